"""The ground that every service of Spojka stands on."""

"""The order book derived anew from what is stored of each order."""

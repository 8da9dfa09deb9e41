"""A pytest plugin: what hypothesis finds is enough; it need not be made small, nor remembered."""

from hypothesis import Phase, settings

settings.register_profile("haste", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("haste")

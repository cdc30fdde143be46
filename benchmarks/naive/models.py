"""The panel's customers, in a table of its own that `benchmarks.overspend` makes and removes."""

from __future__ import annotations

from django.db import models


class PanelCustomer(models.Model):
    """A name and a balance: all that a panel knows about money."""

    name = models.CharField(max_length=100, primary_key=True)
    balance = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        app_label = "naive"
        managed = False
        db_table = "bench_panel_customer"

    def __str__(self) -> str:
        return self.name

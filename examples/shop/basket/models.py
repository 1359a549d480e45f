from django.conf import settings
from django.db import models


class Item(models.Model):
    """One thing in somebody's basket."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)

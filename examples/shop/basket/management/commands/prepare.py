"""Brings the database up to date, and fills an empty one with people who shop."""

from decimal import Decimal

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command

from basket.models import Item

PEOPLE = [
    ("karin", "Karin", "Sand", ["Desk lamp", "Ruler"]),
    ("kaito", "Kaito", "Mori", ["Fountain pen"]),
    ("katrin", "Katrin", "Oja", []),
]


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args, **options):
        call_command("migrate", interactive=False, verbosity=0)
        users = get_user_model().objects
        if users.exists():
            return
        for login, first, last, wanted in PEOPLE:
            email = f"{login}@shop.example"
            # Without a password nobody signs in as them but through Stoa.
            user = users.create_user(login, email, None, first_name=first, last_name=last)
            Item.objects.bulk_create(Item(owner=user, name=name, price=Decimal("9.90")) for name in wanted)
        users.create_user("lukas", "lukas@shop.example", None, first_name="Lukas", last_name="Karlsen", is_active=False)

from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from .models import Item


def home(request):
    items = Item.objects.filter(owner=request.user).order_by("id") if request.user.is_authenticated else []
    return render(request, "home.html", {"items": items, "total": sum((item.price for item in items), Decimal(0))})


@require_POST
@login_required
def add(request):
    name = request.POST.get("name", "").strip()[:100]
    if name:
        Item.objects.create(owner=request.user, name=name, price=Decimal("9.90"))
    return redirect("/")


def health(request):
    return HttpResponse(f"{User.objects.count()} people shop here", content_type="text/plain")

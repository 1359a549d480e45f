from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from basket import views

urlpatterns = [
    path("", views.home),
    path("add", views.add),
    path("health", views.health),
    path("login", LoginView.as_view(template_name="login.html")),
    path("logout", LogoutView.as_view()),
]

# Lists a Django application's users, opens a session as one of them, ends it. Run with the application's own Python in
# the folder of its manage.py; the verb is the only argument, what is asked comes by standard input.
import json
import os
import re
import sys

# Whatever the application prints while it is loaded isn't the answer.
answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
verb, asked = sys.argv[1], json.load(sys.stdin)
sys.path.insert(0, os.getcwd())


def settings_module():
    try:
        with open("manage.py", encoding="utf-8") as file:
            text = file.read()
    except OSError:
        sys.exit("DJANGO_SETTINGS_MODULE isn't set, and there is no manage.py that says it")
    found = re.search(r"""DJANGO_SETTINGS_MODULE['"]\s*,\s*['"]([\w.]+)['"]""", text)
    if not found:
        sys.exit("DJANGO_SETTINGS_MODULE isn't set, and manage.py doesn't say it")
    return found.group(1)


if not os.environ.get("DJANGO_SETTINGS_MODULE"):
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module()

try:
    import django
except ImportError:
    sys.exit("Django isn't there for the Python that was found: " + sys.executable)
django.setup()

from importlib import import_module

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist

if "django.contrib.auth" not in settings.INSTALLED_APPS:
    sys.exit("django.contrib.auth isn't one of its INSTALLED_APPS")

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.db.models import Q

User = get_user_model()
users = User._default_manager
SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


def by_id(text):
    try:
        return users.filter(pk=User._meta.pk.to_python(text)).first()
    except Exception:
        # Not an id of this model's kind.
        return None


def searched():
    names = [User.USERNAME_FIELD, getattr(User, "EMAIL_FIELD", None), "first_name", "last_name", "full_name", "name"]
    for name in dict.fromkeys(name for name in names if name):
        try:
            kind = User._meta.get_field(name).get_internal_type()
        except FieldDoesNotExist:
            continue
        if kind in ("CharField", "TextField", "EmailField", "SlugField"):
            yield name


def told(user):
    login = str(user.get_username())
    try:
        name = str(user.get_full_name() or "")
    except AttributeError:
        name = str(getattr(user, "name", "") or "")
    return {"id": str(user.pk), "login": login, "name": name.strip() or login, "active": bool(user.is_active)}


def list_users():
    query, limit = asked["query"].strip(), asked["limit"]
    found, first = users.order_by(User.USERNAME_FIELD), None
    if query:
        first = by_id(query)
        fits = Q(pk__in=[])
        for name in searched():
            fits |= Q(**{name + "__icontains": query})
        found = found.filter(fits)
    if first is not None:
        print(json.dumps(told(first)), file=answer)
        found, limit = found.exclude(pk=first.pk), limit - 1
    for user in found[:limit]:
        print(json.dumps(told(user)), file=answer)


def backend_of(user):
    for path in settings.AUTHENTICATION_BACKENDS:
        if load_backend(path).get_user(user.pk) is not None:
            return path
    sys.exit("none of its AUTHENTICATION_BACKENDS lets this user in")


def open_session():
    from django.utils.dateparse import parse_datetime

    user = by_id(asked["user"])
    if user is None:
        sys.exit("there is no such user")
    if not user.is_active:
        sys.exit("this user isn't active")
    if settings.SESSION_ENGINE.endswith(".cache") and "locmem" in str(
        settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {}).get("BACKEND", "")
    ):
        sys.exit("its sessions are in the memory of its own process, which nobody else can write")
    # As django.contrib.auth.login() writes one, without the signal: nobody has logged in.
    session = SessionStore()
    session[SESSION_KEY] = user._meta.pk.value_to_string(user)
    session[BACKEND_SESSION_KEY] = backend_of(user)
    session[HASH_SESSION_KEY] = user.get_session_auth_hash() if hasattr(user, "get_session_auth_hash") else ""
    ends_at = parse_datetime(asked["expires_at"])
    if ends_at is not None:
        import datetime

        left = ends_at - datetime.datetime.now(datetime.timezone.utc)
        session.set_expiry(max(1, int(left.total_seconds())))
    session.save()
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "path": settings.SESSION_COOKIE_PATH}
    print(json.dumps({"cookies": [cookie], "path": "/"}), file=answer)


def end_session():
    for cookie in asked["cookies"]:
        if cookie["name"] == settings.SESSION_COOKIE_NAME:
            SessionStore(session_key=cookie["value"]).delete()


{"list": list_users, "open": open_session, "end": end_session}[verb]()
answer.flush()

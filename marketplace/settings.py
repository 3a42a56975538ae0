"""Settings. Everything that differs between machines is an environment variable; see env.example."""

from datetime import timedelta
from pathlib import Path

import environ
import pghistory
from csp.constants import NONE, SELF

from marketplace.postgres import database_url

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env", overwrite=False)

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str(
    "SECRET_KEY",
    default=env.NOTSET if env.str("STRIPE_SECRET_KEY", default="") else "insecure-only-for-checks-and-tests",
)
"""Needed as soon as money is real: with a known key anybody could sign a session as somebody else."""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_FAILURE_VIEW = "accounts.views.expired.form_expired"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "marketplace",
    "accounts",
    "notifications",
    "inventory",
    "auctions",
    "settlements",
    "simulation",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "rules",
    "channels",
    "procrastinate.contrib.django",
    "pgtrigger",
    "pghistory",
    "django_htmx",
    "template_partials",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "marketplace.post_only.post_only_middleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.active_organization_middleware",
    "marketplace.acting.ActingMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "marketplace.urls"
ASGI_APPLICATION = "marketplace.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "settlements.context_processors.stripe_test_mode",
            ],
        },
    }
]

DATABASES = {"default": environ.Env.db_url_config(database_url())}
if pool_size := env.int("DATABASE_POOL_SIZE", default=0):
    # Under ASGI threads come and go with requests, so the web process keeps its connections in a pool.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 2,
        "max_size": pool_size,
        "timeout": 10,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

PGHISTORY_APPEND_ONLY = True
PGHISTORY_CONTEXT_FIELD = (
    pghistory.ContextJSONField()
)  # with the event, so that it stands as long and as firmly
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)
PGHISTORY_OBJ_FIELD = pghistory.ObjForeignKey(related_name="+", related_query_name="+", db_index=False)
PGHISTORY_CREATED_AT_FUNCTION = (
    "clock_timestamp()"  # in the order of the changes, whenever their transactions began
)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "board"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupForm"
# One person's failed logins are axes' to count; here only one address trying many people.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip"}

AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "accounts.lockout.login_name"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.locked_out"
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_LOGOUT_REDIRECT_URL = "board"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Serve files from where they lie, not from STATIC_ROOT: no collectstatic for local runs and tests.
WHITENOISE_USE_FINDERS = env.bool("STATIC_FROM_SOURCE", default=DEBUG)
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS  # else a file that was edited is sent with the length it had

EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", default=None)
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Sparegrid <no-reply@sparegrid.example>")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.IsMember"],
    "DEFAULT_PAGINATION_CLASS": "accounts.api.pagination.NewestFirst",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.api.throttling.MinuteThrottle"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.api.problems.handle_exception",
    "NUM_PROXIES": 0,  # an address is what the server saw, never what a header claims; uvicorn trusts its own proxy
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=6000)
API_ANONYMOUS_REQUESTS_PER_MINUTE = 120
SPECTACULAR_SETTINGS = {
    "TITLE": "Sparegrid",
    "DESCRIPTION": "Idle AI compute: list it, bid for it, see what it cleared at.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "WindowStatus": "auctions.models.Window.Status",
        "BidStatus": "auctions.models.Bid.Status",
        "StandingOrderStatus": "auctions.models.StandingOrder.Status",
        "MarketStatus": "auctions.models.Market.Status",
        "RefundStatus": "settlements.models.Refund.Status",
        "RefundReason": "settlements.models.Refund.Reason",
        "Region": "inventory.models.Region",
        "Fabric": "inventory.models.Site.Fabric",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "accounts.api.schema.describe_problems",
    ],
}

SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000")
"""Where people find the site, without a slash at the end: what Stripe sends them back to."""

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
"""Empty: payments go to the local sandbox."""
STRIPE_WEBHOOK_SECRET = env.str(
    "STRIPE_WEBHOOK_SECRET", default=env.NOTSET if STRIPE_SECRET_KEY else "whsec_sandbox"
)
"""Needed as soon as money is real: with a known secret anybody could tell us of events. One for each of Stripe's
endpoints, comma-separated."""
STRIPE_SANDBOX_URL = env.str("STRIPE_SANDBOX_URL", default="http://127.0.0.1:12111")
STRIPE_SANDBOX_KEY = env.str("STRIPE_SANDBOX_KEY", default="sk_test_sandbox")
STRIPE_READ_TIMEOUT_S = env.float("STRIPE_READ_TIMEOUT_S", default=20.0)
STRIPE_MAX_NETWORK_RETRIES = env.int("STRIPE_MAX_NETWORK_RETRIES", default=1)
HANDOVER_KEYS = env.list(
    "HANDOVER_KEYS", default=env.NOTSET if STRIPE_SECRET_KEY else ["insecure-only-for-checks-and-tests"]
)
"""What encrypts what sellers hand over; the first encrypts, all decrypt. Needed as soon as money is real."""
WEBHOOK_PRIVATE_ADDRESSES = env.bool("WEBHOOK_PRIVATE_ADDRESSES", default=False)
"""Whether webhooks may go to this machine and its neighbours, and by plain http: for a market on one machine only."""

NOTIFICATIONS_READ_KEPT_DAYS = env.int("NOTIFICATIONS_READ_KEPT_DAYS", default=90)
NOTIFICATIONS_UNREAD_KEPT_DAYS = env.int("NOTIFICATIONS_UNREAD_KEPT_DAYS", default=365)
WEBHOOK_LOG_KEPT_DAYS = env.int("WEBHOOK_LOG_KEPT_DAYS", default=90)
"""What is older than these is deleted once an hour."""

PLATFORM_FEE_BPS = env.int("PLATFORM_FEE_BPS", default=500)  # until a fee version says otherwise
TRANSFER_FOUR_EYES_CENTS = env.int("TRANSFER_FOUR_EYES_CENTS", default=5_000_00)
LARGE_SETTLEMENT_CENTS = env.int("LARGE_SETTLEMENT_CENTS", default=10_000_00)
"""From this amount on finance's queue flags a settlement as large."""
REFUND_FOUR_EYES_CENTS = env.int("REFUND_FOUR_EYES_CENTS", default=1_000_00)
"""From this much refunded of one settlement on, two finance people must agree."""
CREDIT_FOUR_EYES_CENTS = env.int("CREDIT_FOUR_EYES_CENTS", default=100_000_00)
"""A credit line raised above this needs two finance people."""
STARTING_LIMIT_CENTS = env.int("STARTING_LIMIT_CENTS", default=25_000_00)
"""The credit an organization gets with its first card on file."""
STARTING_LIMIT_ONCE_PER_CARD = env.bool(
    "STARTING_LIMIT_ONCE_PER_CARD", default=STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
)
"""Whether a card's number brings the starting limit to one organization only. Test numbers are everybody's."""

STRIPE_PAGES = (
    ["https://checkout.stripe.com", "https://hooks.stripe.com", "https://connect.stripe.com"]
    if STRIPE_SECRET_KEY
    else [STRIPE_SANDBOX_URL]
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "object-src": [NONE],
        # Adding a card, authenticating a payment and setting up payouts are form posts that redirect to Stripe's pages.
        "form-action": [SELF, *STRIPE_PAGES],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("HTTPS", default=False)
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=86_400 if SECURE_SSL_REDIRECT else 0)
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # whether subdomains are HTTPS only is not ours to promise
    "security.W021",  # nor is a browser's preload list
]

LIVE_SOCKETS_PER_ADDRESS = env.int("LIVE_SOCKETS_PER_ADDRESS", default=200)
LIVE_SOCKETS_PER_USER = env.int("LIVE_SOCKETS_PER_USER", default=30)
LIVE_RECHECK_SECONDS = env.float("LIVE_RECHECK_SECONDS", default=20.0)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "axes": {"level": "WARNING"},
        "procrastinate": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
    },
}

"""What Stripe asks of a seller, in people's words. Source: https://docs.stripe.com/connect/required-verification-information."""

WORDS = {
    "business_profile.name": "the name of the business",
    "business_profile.url": "the website of the business",
    "business_profile.mcc": "what the business does",
    "business_type": "whether it is a company or a person",
    "external_account": "a bank account to pay to",
    "representative.first_name": "the representative’s first name",
    "representative.last_name": "the representative’s last name",
    "tos_acceptance.date": "Stripe’s terms accepted",
    "tos_acceptance.ip": "Stripe’s terms accepted",
    "verification.document": "a document that shows who you are",
}


def requirement_words(names: list[str]) -> list[str]:
    """Return what each of Stripe's names asks for, each once; a name without words is shown as it is."""
    return list(dict.fromkeys(_words(name) for name in names))


def _words(name: str) -> str:
    if name in WORDS:
        return WORDS[name]
    who, _, what = name.rpartition(".")
    return f"{what.replace('_', ' ')} ({who.replace('_', ' ').replace('.', ', ')})" if who else what

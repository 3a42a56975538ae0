"""What people fill in about deliveries: access, SSH keys, outages, answers, decisions."""

from __future__ import annotations

from typing import Any

from django import forms

from marketplace.fields import InstantField, WholeNumberField
from settlements.models import Delivery, Outage, SshKey
from settlements.operations.handovers import MAX_ENDPOINT_CHARACTERS, MAX_TEXT_CHARACTERS, Access
from settlements.operations.outages import MAX_TEXT_CHARACTERS as MAX_OUTAGE_CHARACTERS
from settlements.operations.outages import OutageReport

MINUTE_INPUT = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "60"}, format="%Y-%m-%dT%H:%M")
NO_AUTOFILL = {"autocomplete": "off", "spellcheck": "false"}
MANY_LINES = forms.Textarea(attrs={"rows": 4, **NO_AUTOFILL})


class HandoverForm(forms.Form):
    """What a seller hands over. ``version`` is what the form showed."""

    endpoint = forms.CharField(
        max_length=MAX_ENDPOINT_CHARACTERS,
        help_text="Where the buyer connects, such as ssh research@198.51.100.7.",
        error_messages={"required": "Say where the buyer connects."},
        widget=forms.TextInput(attrs=NO_AUTOFILL),
    )
    instructions = forms.CharField(
        max_length=MAX_TEXT_CHARACTERS,
        required=False,
        help_text="What to do first: jump host, mounts, scheduler, whom to call.",
        widget=MANY_LINES,
    )
    credentials = forms.CharField(
        max_length=MAX_TEXT_CHARACTERS,
        required=False,
        help_text="Passwords, tokens, a kubeconfig. Leave it empty where SSH keys are enough.",
        widget=forms.Textarea(attrs={"rows": 4, "data-secret": "", **NO_AUTOFILL}),
    )
    version = WholeNumberField(min_value=0, widget=forms.HiddenInput)

    @property
    def access(self) -> Access:
        said = self.cleaned_data
        return Access(
            endpoint=said["endpoint"], instructions=said["instructions"], credentials=said["credentials"]
        )


class SshKeyForm(forms.Form):
    key = forms.CharField(
        label="Public key",
        strip=True,
        help_text="The one line of a .pub file: Ed25519, ECDSA, or RSA of 3,072 bits or more.",
        error_messages={"required": "Paste a public key."},
        widget=forms.Textarea(
            attrs={"rows": 3, "placeholder": "ssh-ed25519 AAAA… you@laptop", **NO_AUTOFILL}
        ),
    )


class KeyChoiceForm(forms.Form):
    keys = forms.ModelMultipleChoiceField(
        SshKey.objects.none(),
        required=False,
        label="The seller lets in",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "A key was removed meanwhile. Look at the list and choose again."},
    )

    def __init__(self, *args: Any, delivery: Delivery, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["keys"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = SshKey.objects.filter(organization=delivery.buyer_id, removed_at=None).order_by("id")


class OutageForm(forms.Form):
    starts_at = InstantField(label="From (UTC)", widget=MINUTE_INPUT)
    ends_at = InstantField(
        label="Until (UTC)",
        widget=MINUTE_INPUT,
        help_text="When it was back, or now. If it goes on, report the rest later.",
    )
    what = forms.CharField(
        label="What did not work",
        max_length=MAX_OUTAGE_CHARACTERS,
        error_messages={"required": "Say what did not work."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @property
    def report(self) -> OutageReport:
        said = self.cleaned_data
        return OutageReport(starts_at=said["starts_at"], ends_at=said["ends_at"], what=said["what"])


class AnswerForm(forms.Form):
    note = forms.CharField(
        label="Your answer",
        max_length=MAX_OUTAGE_CHARACTERS,
        required=False,
        help_text="The buyer and our finance staff read it. Needed to dispute.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class DecisionForm(forms.Form):
    """Finance's decision: all of it, some minutes, or none."""

    ALL, PART, NONE = "all", "part", "none"
    verdict = forms.ChoiceField(
        choices=[(ALL, "Uphold all of it"), (PART, "Uphold a part"), (NONE, "Reject it")],
        label="Decision",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one."},
    )
    minutes = WholeNumberField(
        required=False,
        min_value=1,
        label="Minutes upheld",
        help_text="For a part: how many minutes the buyer could not use it.",
        error_messages={"invalid": "Write a whole number of minutes."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        max_length=MAX_OUTAGE_CHARACTERS,
        help_text="Both sides read it.",
        error_messages={"required": "Say why: both sides read it."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    fingerprint = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, outage: Outage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outage = outage

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        minutes = said.get("minutes")
        if said.get("verdict") == self.PART and "minutes" not in self.errors:
            if minutes is None:
                self.add_error("minutes", "Say how many minutes.")
            elif minutes > self.outage.n_minutes:
                self.add_error("minutes", f"The outage had {self.outage.n_minutes} minutes.")
        return said

    @property
    def upheld_minutes(self) -> int:
        said = self.cleaned_data
        return {self.ALL: self.outage.n_minutes, self.NONE: 0}.get(said["verdict"], said["minutes"])

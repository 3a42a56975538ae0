"""Take over from settlements the views that a person keeps: now of several pages, and one of them the default."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

PLACES = [("board", "Board"), ("settlements", "Settlement queue")]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_deskevent"),
        ("settlements", "0028_saved_views_move"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="SavedView",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=40)),
                        ("query", models.CharField(blank=True, max_length=1000)),
                        (
                            "created_at",
                            models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="saved_views",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=["owner", "name"], name="saved_view_name_once_per_person"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("name", ""), _negated=True), name="saved_view_named"
                            ),
                        ]
                    },
                )
            ]
        ),
        migrations.AddField(
            model_name="savedview",
            name="place",
            field=models.CharField(choices=PLACES, default="settlements", max_length=20),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="savedview", name="is_default", field=models.BooleanField(default=False)
        ),
        migrations.RemoveConstraint(model_name="savedview", name="saved_view_name_once_per_person"),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                fields=("owner", "place", "name"), name="saved_view_name_once_per_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)),
                fields=("owner", "place"),
                name="saved_view_one_default",
            ),
        ),
    ]

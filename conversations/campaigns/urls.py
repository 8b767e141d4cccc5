from django.urls import path

from conversations.campaigns import views

urlpatterns = [
    path("campaigns/", views.campaign_list, name="campaigns"),
    path("campaigns/new/", views.new, name="new_campaign"),
    path("campaigns/<uuid:campaign_id>/", views.campaign, name="campaign"),
    path("campaigns/<uuid:campaign_id>/people/", views.people, name="campaign_people"),
    path("campaigns/<uuid:campaign_id>/start/", views.start, name="start_campaign"),
    path("campaigns/<uuid:campaign_id>/pause/", views.change, {"verb": "pause"}, name="pause_campaign"),
    path("campaigns/<uuid:campaign_id>/resume/", views.change, {"verb": "resume"}, name="resume_campaign"),
    path("campaigns/<uuid:campaign_id>/stop/", views.change, {"verb": "stop"}, name="stop_campaign"),
    path("campaigns/<uuid:campaign_id>/discard/", views.discard, name="discard_campaign"),
    path("campaigns/<uuid:campaign_id>/recipients/", views.recipients, name="campaign_recipients"),
    path("campaigns/<uuid:campaign_id>/results/", views.results, name="campaign_results"),
]

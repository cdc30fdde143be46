"""The two naive applications."""

from django.urls import path

from benchmarks.naive.panel import PanelView
from benchmarks.naive.views import NaiveView

urlpatterns = [
    path("callbacks/sinch/", NaiveView.as_view()),
    path("callbacks/panel/", PanelView.as_view()),
]

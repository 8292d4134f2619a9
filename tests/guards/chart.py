"""Guards of the chart: what its templates hold every pod and every connection to."""

from __future__ import annotations

from tests.guards.guard import Guard

_TEMPLATES = "charts/marketplace/templates"
_TESTS = "tests/contract/chart"

CHART = (
    Guard(
        "chart",
        f"{_TEMPLATES}/network-policies.yaml",
        "  podSelector: {matchLabels: {app.kubernetes.io/instance: {{ .Release.Name }}}}",
        "  podSelector: {matchLabels: {app: nobody}}",
        f"{_TESTS}/test_reach.py::test_a_pod_of_the_release_that_no_policy_speaks_of_is_alone",
    ),
    Guard(
        "chart",
        f"{_TEMPLATES}/network-policies.yaml",
        "app.kubernetes.io/instance: {{ $.Release.Name }}, app.kubernetes.io/name: gateway}}}]",
        "app.kubernetes.io/instance: {{ $.Release.Name }}}}}]",
        f"{_TESTS}/test_reach.py::test_each_end_alone_keeps_to_it",
    ),
    Guard(
        "chart",
        f"{_TEMPLATES}/_pod.tpl",
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
        f"{_TESTS}/test_pods.py::test_no_pod_may_be_more_than_its_process_needs",
    ),
    Guard(
        "chart",
        f"{_TEMPLATES}/certificates.yaml",
        '{{ if eq $workload.kind "gateway" }}, client auth{{ end }}',
        ", client auth",
        f"{_TESTS}/test_register.py::test_the_gateway_alone_has_a_certificate_to_call_with",
    ),
    Guard(
        "chart",
        "tests/fixtures/chart/schemas/validate.mjs",
        "  return [...found, ...unread(manifest, seen)];",
        "  return found;",
        f"{_TESTS}/test_manifests.py::test_the_validators_refuse_what_no_schema_knows",
    ),
)

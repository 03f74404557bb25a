{{/* What a schema can't say: values that don't fit each other. Each names the value, what was found, what is allowed. */}}
{{- define "espalier.refuse" -}}
{{- $values := .Values -}}
{{- $postgres := include "espalier.isPostgres" . -}}
{{- if and (not $postgres) (gt (int $values.server.replicas) 1) -}}
{{- fail (printf "server.replicas: found %d, allowed is 1 where ledger.store is sqlite: a file has one server; for more use ledger.store=postgres" (int $values.server.replicas)) -}}
{{- end -}}
{{- if and $postgres (not $values.ledger.postgres.url) -}}
{{- fail "ledger.postgres.url: found none, allowed is postgres://ROLE@HOST/DATABASE where ledger.store is postgres" -}}
{{- end -}}
{{- if and (not $postgres) (or $values.keys.secrets $values.keys.volume) -}}
{{- fail "keys.secrets, keys.volume: found one, allowed are they only where ledger.store is postgres: beside a ledger on a volume the keys are on that volume" -}}
{{- end -}}
{{- if and $values.keys.secrets $values.keys.volume -}}
{{- fail "keys.volume: found beside keys.secrets, allowed is one of the two" -}}
{{- end -}}
{{- if and $postgres $values.bootstrap.enabled (or $values.keys.secrets $values.keys.volume) -}}
{{- fail "bootstrap.enabled: found true beside keys.secrets or keys.volume, allowed is false: given keys belong to authorities that the ledger knows already" -}}
{{- end -}}
{{- if and $values.ledger.postgres.owner.url (not $values.bootstrap.enabled) -}}
{{- fail "ledger.postgres.owner.url: found beside bootstrap.enabled=false, allowed is it only with the bootstrap, whose Job uses it" -}}
{{- end -}}
{{- if not $values.server.tls.secret -}}
{{- range $values.server.tls.issued -}}
{{- if not (has .authority $values.server.authorities) -}}
{{- fail (printf "server.tls.issued: found authority %q, allowed are those of server.authorities: %s" .authority (join ", " $values.server.authorities)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $values.bootstrap.enabled -}}
{{- $known := list -}}
{{- range $values.bootstrap.authorities -}}
{{- if has .name $known -}}
{{- fail (printf "bootstrap.authorities: found %q twice, allowed is each once" .name) -}}
{{- end -}}
{{- if and .parent (not (has .parent $known)) -}}
{{- fail (printf "bootstrap.authorities: found %q with parent %q, allowed are those above it in the list: %s" .name .parent (join ", " $known | default "none")) -}}
{{- end -}}
{{- $known = append $known .name -}}
{{- end -}}
{{- range $values.server.authorities -}}
{{- if not (has . $known) -}}
{{- fail (printf "server.authorities: found %q, allowed are those of bootstrap.authorities: %s" . (join ", " $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $values.issuer.enabled (include "espalier.issuerIsHere" .) -}}
{{- $held := include "espalier.heldSecrets" . | fromYamlArray -}}
{{- range $values.issuer.credentials.secrets -}}
{{- if has . $held -}}
{{- fail (printf "issuer.credentials.secrets: found %q, which holds a secret of the server, allowed are credentials for one: whoever writes a PQClusterIssuer may have them sent anywhere" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secrets by which this release guards what it signs with. */}}
{{- define "espalier.heldSecrets" -}}
{{- $postgres := .Values.ledger.postgres -}}
{{- $held := list .Values.keys.passphraseSecret.name $postgres.passwordSecret.name $postgres.owner.passwordSecret.name .Values.server.tls.secret -}}
{{- $names := .Values.server.authorities -}}
{{- range .Values.bootstrap.authorities }}{{ $names = append $names .name }}{{ end -}}
{{- range uniq $names }}{{ $held = append $held (include "espalier.keySecret" (dict "root" $ "name" .)) }}{{ end -}}
{{- compact $held | toYaml -}}
{{- end -}}

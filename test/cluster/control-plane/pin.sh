#!/bin/sh
# Writes go.mod and go.sum anew for a version of Kubernetes, the etcd that goes with it, helm and kwok:
#   sh pin.sh 1.37.2 3.7.0 4.3.1 0.8.0
# Kubernetes' own go.mod points its k8s.io/* modules to folders of its repository, which the
# module zip lacks; here the same lines point to the published modules of that release.
set -eu
kubernetes=$1
etcd=$2
helm=$3
kwok=$4
released="v0${kubernetes#1}"
upstream=$(go mod download -json "k8s.io/kubernetes@v$kubernetes" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
{
  printf 'module plimsoll.dev/test/control-plane\n\n'
  grep -E '^go [0-9]' "$upstream"
  printf '\nrequire (\n\tgo.etcd.io/etcd/server/v3 v%s\n\thelm.sh/helm/v4 v%s\n\tk8s.io/kubernetes v%s\n\tsigs.k8s.io/kwok v%s\n)\n\nreplace (\n' "$etcd" "$helm" "$kubernetes" "$kwok"
  sed -n "s#^[[:space:]]*\(k8s.io/[^ ]*\) => ./staging.*#\t\1 => \1 $released#p" "$upstream"
  printf ')\n'
} > go.mod
go mod tidy

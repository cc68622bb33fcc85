#!/usr/bin/env bash
# Prints "full" where the package feed has .NET Aspire, else "restricted". The answer is kept outside the checkout for a day.
# RestrictedFeed=true|false in the environment decides without asking.
set -euo pipefail
case "${RestrictedFeed:-}" in
  true) echo restricted; exit ;;
  false) echo full; exit ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
version=$(sed -n 's/.*Include="Aspire.Hosting.Testing" Version="\([^"]*\)".*/\1/p' "$root/Directory.Packages.props")
sources=$(cat "$root/nuget.config" "${HOME:-}/.nuget/NuGet/NuGet.Config" 2>/dev/null || true)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/payments
answer=$cache/feed-$(printf '%s\n%s' "$version" "$sources" | sha256sum | cut -c1-16)
if [ -n "$(find "$answer" -mmin -1440 2>/dev/null)" ]; then cat "$answer"; exit; fi

printf '  asking the package feed for .NET Aspire %s\n' "$version" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ ! -f "$root/nuget.config" ] || cp "$root/nuget.config" "$work/"
cat >"$work/probe.csproj" <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageDownload Include="Aspire.AppHost.Sdk" Version="[$version]" /></ItemGroup>
</Project>
XML
mkdir -p "$cache"
if dotnet restore --disable-build-servers "$work/probe.csproj" >"$work/log" 2>&1; then
  echo full | tee "$answer"
elif grep -qE 'NU110[1-3]' "$work/log"; then
  echo restricted | tee "$answer"
else
  # The feed did not answer at all, so nothing is learned; what is cached may still be enough for the smaller build.
  printf '  the package feed does not answer: ' >&2
  grep -m1 -E 'error' "$work/log" >&2 || tail -n 3 "$work/log" >&2
  echo restricted
fi

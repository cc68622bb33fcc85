#!/usr/bin/env bash
# Fills artifacts/feed with librdkafka.redist where the package feed lacks it: the native library is compiled from the
# sources that npm's @confluentinc/kafka-javascript carries, and cached outside the checkout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=2.15.1
npm_version=1.10.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/payments/librdkafka-$version-1
feed=$root/artifacts/feed
package=librdkafka.redist.$version.nupkg

say() { printf '  %s\n' "$*" >&2; }

if [ ! -f "$cache/$package" ]; then
  mkdir -p "$cache"
  # One build at a time, also when several checkouts share the cache.
  exec 9>"$cache/.lock"
  flock 9
  if [ ! -f "$cache/$package" ]; then
    missing=()
    command -v make >/dev/null || missing+=(make)
    command -v gcc >/dev/null || missing+=(gcc libc6-dev)
    [ -e /usr/include/zlib.h ] || missing+=(zlib1g-dev)
    if [ ${#missing[@]} -gt 0 ]; then "$root/eng/install.sh" "${missing[@]}"; fi

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    say "librdkafka $version: fetching the source from npm"
    (cd "$work" && npm pack --silent "@confluentinc/kafka-javascript@$npm_version" >/dev/null && tar xzf ./*.tgz)
    source=$work/package/deps/librdkafka
    say "librdkafka $version: compiling (about 80 s, once)"
    (cd "$source" && ./configure --disable-ssl --disable-gssapi --disable-zstd --disable-curl --disable-lz4-ext >"$work/configure.log" 2>&1 \
      && make -C src -j"$(nproc)" librdkafka.so.1 >"$work/make.log" 2>&1) || { tail -n 30 "$work"/*.log >&2; exit 1; }

    mkdir -p "$work/pack/runtimes/linux-x64/native"
    cp -L "$source/src/librdkafka.so.1" "$work/pack/runtimes/linux-x64/native/librdkafka.so"
    strip --strip-unneeded "$work/pack/runtimes/linux-x64/native/librdkafka.so" 2>/dev/null || true
    cat >"$work/pack/librdkafka.redist.nuspec" <<EOF
<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata>
    <id>librdkafka.redist</id>
    <version>$version</version>
    <authors>librdkafka contributors</authors>
    <license type="expression">BSD-2-Clause</license>
    <description>librdkafka compiled from its source for a feed that lacks the published package.</description>
  </metadata>
</package>
EOF
    cat >"$work/pack/pack.csproj" <<EOF
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <NuspecFile>librdkafka.redist.nuspec</NuspecFile>
    <IncludeBuildOutput>false</IncludeBuildOutput>
    <NoBuild>true</NoBuild>
  </PropertyGroup>
</Project>
EOF
    say "librdkafka $version: packing"
    (cd "$work/pack" && dotnet restore --disable-build-servers pack.csproj >"$work/pack.log" 2>&1 \
      && dotnet pack --no-restore --disable-build-servers pack.csproj -o "$work/out" >>"$work/pack.log" 2>&1) || { tail -n 30 "$work/pack.log" >&2; exit 1; }
    mv "$work/out/$package" "$cache/$package.new"
    mv "$cache/$package.new" "$cache/$package"
  fi
fi

mkdir -p "$feed"
cmp -s "$cache/$package" "$feed/$package" || cp "$cache/$package" "$feed/$package"

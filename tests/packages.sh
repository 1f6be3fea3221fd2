#!/usr/bin/env bash
# Packs what was built in Release, and uses the packages as a stranger would: the tool installed into an empty folder, the libraries referenced from
# an empty program. Nothing comes from anywhere but the folder of packages, theirs and the one they depend on, and nothing stays behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fixture=$PWD/tests/Fixtures/gpt2-tiny.safetensors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Where the build found the one package that the libraries depend on.
restored=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
# A home of its own: the SDK remembers where a tool of this version lay before, and believes it.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 NUGET_PACKAGES=$work/cache DOTNET_CLI_HOME=$work/home

fail() { echo "packages: $1" >&2; exit 1; }
packages=$work/packages
dotnet pack Harness.sln -c Release --no-build --nologo -v quiet -o "$packages"
for id in Loadline.Checkpoints Loadline.Cuda Loadline.Gauges Loadline.Strategies Loadline.Strategies.TorchSharp Loadline.Measuring Loadline.Testing loadline; do
    ls "$packages/$id".[0-9]*.nupkg "$packages/$id".[0-9]*.snupkg > /dev/null || fail "$id was not packed"
done

cp "$restored"/system.numerics.tensors/*/*.nupkg "$packages"

mkdir "$work/project" && cd "$work/project"
cat > nuget.config << END
<configuration><packageSources><clear /><add key="here" value="$packages" /></packageSources></configuration>
END

# Whether bare cgroups can be made here, the tool says itself: exit code 3.
dotnet new tool-manifest --output . > /dev/null
dotnet tool install loadline --prerelease > /dev/null
dotnet loadline inspect "$fixture" > inspected || fail "the installed tool does not inspect"
grep -q tok_emb.weight inspected || fail "the installed tool does not see the fixture's tensors"
code=0
dotnet loadline run "$fixture" --cap 64MiB --runtime cgroup > ran 2> said || code=$?
case $code in
    0) grep -q mmap-assign ran || fail "the installed tool ran no strategy" ;;
    3) echo "packages: no load under a cap: $(cat said)" ;;
    *) cat ran said; fail "the installed tool ends with exit code $code" ;;
esac

cat > Program.csproj << 'END'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <UseAppHost>false</UseAppHost>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Loadline.Strategies" Version="*-*" />
    <PackageReference Include="Loadline.Testing" Version="*-*" />
  </ItemGroup>
</Project>
END
cat > Program.cs << 'END'
using Loadline.Strategies;
using Loadline.Testing;

using var model = Loader.Load(args[0]);
Console.WriteLine($"{model.Count} tensors");
try
{
    await Capped.RunAsync(static path => Loader.Load(path).Dispose(), args[0], cap: "128MiB", peakAnonymous: "64MiB");
    Console.WriteLine("within budget");
}
catch (CapUnavailableException e)
{
    Console.WriteLine(e.Message);
}
END
dotnet build -c Release --nologo -v quiet > built || { cat built; fail "a program with the packages does not build"; }
dotnet bin/Release/net10.0/Program.dll "$fixture" > said || { cat said; fail "a program with the packages does not run"; }
grep -q '^[1-9][0-9]* tensors$' said || fail "the packaged library loads nothing"
sed 's/^/packages: /' said

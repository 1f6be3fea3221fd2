#!/usr/bin/env bash
# Packs what was built in Release, and uses the packages as a stranger would: the tool installed into an empty folder, the libraries referenced from
# an empty program. Nothing comes from anywhere but the folder of packages, theirs and the one they depend on, and nothing stays behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
fixture=$root/tests/Fixtures/gpt2-tiny.safetensors
props=$PWD/Directory.Packages.props
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Where the build found the one package that the libraries depend on.
restored=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: //')
# Without what somebody has restored of ours: a fallback folder comes before the sources, and an older build has the same version.
mkdir "$work/restored"
for package in "$restored"/*; do
    case $(basename "$package") in loadline*) ;; *) ln -s "$package" "$work/restored/" ;; esac
done
restored=$work/restored
# A home of its own: the SDK remembers where a tool of this version lay before, and believes it.
export DOTNET_CLI_TELEMETRY_OPTOUT=1 NUGET_PACKAGES=$work/cache DOTNET_CLI_HOME=$work/home

fail() { echo "packages: $1" >&2; exit 1; }
packages=$work/packages
dotnet pack Harness.sln -c Release --no-build --nologo -v quiet -o "$packages"
for id in Loadline.{Platform,Checkpoints,Gauges,Cuda,Tensors,Reading,DeviceMaps,Strategies,Strategies.TorchSharp,Forward,Measuring,Testing,Testcontainers} loadline; do
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
    3)
        case ",${LOADLINE_REQUIRE:-}," in *,cgroup,*) cat said; fail "a cgroup is required, and the installed tool has none" ;; esac
        if grep -q 'internal error' said; then cat said; fail "the installed tool breaks"; fi
        echo "packages: no load under a cap: $(cat said)"
        ;;
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

# What a process compiles at its first load, which takes longer than reading: nothing of ours, and no more of the framework's than is known.
mkdir "$work/first" && cd "$work/first"
cp ../project/nuget.config .
sed '/Loadline.Testing/d' ../project/Program.csproj > First.csproj
cat > Program.cs << 'END'
using Loadline.Checkpoints;

var count = Steps.Open(args[0]);
Steps.Done(count);

static class Steps
{
    public static int Open(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        return checkpoint.Entries.Count;
    }

    public static void Done(int count)
    {
        Console.WriteLine(count + " tensors");
        foreach (var assembly in AppDomain.CurrentDomain.GetAssemblies()) Console.WriteLine(assembly.GetName().Name);
    }
}
END
dotnet build -c Release --nologo -v quiet > built || { cat built; fail "a program that opens a checkpoint does not build"; }
for file in gpt2-tiny.safetensors gpt2-tiny.pth; do
    DOTNET_JitStdOutFile=$PWD/compiled DOTNET_JitDisasmSummary=1 dotnet bin/Release/net10.0/First.dll "$root/tests/Fixtures/$file" > said || fail "$file is not opened"
    grep -q ' Steps:Done(' compiled || fail "the runtime does not say what it compiles"
    sed -i '1,/ Steps:Open(/d; / Steps:Done(/,$d' compiled
    [ "$(wc -l < compiled)" -le 2 ] || { cat compiled; fail "opening $file compiles more than 2 methods"; }
    if grep -E '^System\.(Linq|Text\.Json|Runtime\.Numerics|IO\.Compression)$' said; then fail "opening $file loads an assembly that it does not need"; fi
    echo "packages: opening $file compiles $(wc -l < compiled) methods"
done

# A container's cap and budget, met and missed, in an empty xunit project. Its other packages are those that the build restored.
if ! docker version > /dev/null 2>&1; then
    case ",${LOADLINE_REQUIRE:-}," in *,docker,*|*,testcontainers,*) fail "Docker is required, but does not answer" ;; esac
    echo "packages: no container under a cap: no Docker answers"
    exit
fi

# An image of this machine's own dd: no registry is needed.
mkdir "$work/xunit" && cd "$work/xunit"
for file in /bin/dd $(ldd /bin/dd | grep -o '/[^ ]*'); do install -D "$(readlink -f "$file")" "image$file"; done
tar --create --directory image . | docker import - loadline-packages:1 > /dev/null
version() { sed -n "s/.*Include=\"$1\" Version=\"\(.*\)\".*/\1/p" "$props"; }
cat > nuget.config << END
<configuration><packageSources><clear /><add key="here" value="$packages" /><add key="restored" value="$restored" /></packageSources></configuration>
END
cat > HeldContainers.csproj << END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Loadline.Testcontainers" Version="*-*" />
    <PackageReference Include="FluentAssertions" Version="$(version FluentAssertions)" />
    <PackageReference Include="Microsoft.NET.Test.Sdk" Version="$(version Microsoft.NET.Test.Sdk)" />
    <PackageReference Include="xunit.v3" Version="$(version xunit.v3)" />
    <PackageReference Include="xunit.runner.visualstudio" Version="$(version xunit.runner.visualstudio)" />
  </ItemGroup>
</Project>
END
cat > Budgets.cs << 'END'
using DotNet.Testcontainers.Builders;
using FluentAssertions;
using Loadline.Testcontainers;
using Xunit;

public class Budgets
{
    [Fact] public Task Met() => HoldAsync("256MiB", "64MiB");
    [Fact] public Task Missed() => HoldAsync("256MiB", "32MiB");
    [Fact] public Task Killed() => HoldAsync("32MiB", "32MiB");

    private static async Task HoldAsync(string cap, string budget)
    {
        await using var container = new ContainerBuilder("loadline-packages:1")
            // The output's buffer fills slowly: what is read shows it grow.
            .WithCommand("/bin/dd", "if=/dev/zero", "of=/dev/null", "ibs=64", "obs=48M", "count=800000")
            .WithMemoryCap(cap)
            .WithMemoryGauge()
            .Build();
        await container.StartAsync();
        await container.GetExitCodeAsync();

        var memory = await container.MemoryAsync();
        memory.ExitCode.Should().Be(0, memory.ToString());
        memory.PeakAnonymous.Should().BeLessThan(budget);
    }
}
END
# Ryuk's image would have to be pulled, and Testcontainers asks for API 1.44 unless it is told what the Engine speaks.
export TESTCONTAINERS_RYUK_DISABLED=true
DOCKER_API_VERSION=$(docker version --format '{{.Server.APIVersion}}')
export DOCKER_API_VERSION
dotnet build -c Release --nologo -v quiet > built || { cat built; fail "a test project with the packages does not build"; }
code=0
dotnet bin/Release/net10.0/HeldContainers.dll -noLogo -noColor > said || code=$?
[ $code -ne 0 ] || { cat said; fail "a missed budget passes"; }
grep -q 'Total: 3, Errors: 0, Failed: 2, Skipped: 0' said || { cat said; fail "not one of three budgets is met"; }
grep -q 'less than 32 MiB' said || { cat said; fail "a missed budget does not say by how much"; }
grep -q 'killed by its cap of 32 MiB' said || { cat said; fail "a kill by the cap is not told"; }
echo "packages: a container's budget is met, missed and its cap kills, through Loadline.Testcontainers"

# The program of docs/torchsharp.md, in a container whose libstdc++ is new enough for TorchSharp's natives.
skip() {
    case ",${LOADLINE_REQUIRE:-}," in *,torchsharp,*) fail "torchsharp is required, but $1" ;; esac
    echo "packages: no program with TorchSharp: $1"
    exit
}
docker version > /dev/null 2>&1 || skip "no Docker answers"
"$root/containers/torchsharp/build.sh" > /dev/null || skip "its image cannot be made"

mkdir "$work/torchsharp" && cd "$work/torchsharp"
# TorchSharp and libtorch are taken from where the build restored them.
cat > nuget.config << END
<configuration>
  <packageSources><clear /><add key="here" value="$packages" /></packageSources>
  <fallbackPackageFolders><clear /><add key="restored" value="$restored" /></fallbackPackageFolders>
</configuration>
END
cat > Loader.csproj << 'END'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <SelfContained>false</SelfContained>
    <UseAppHost>false</UseAppHost>
    <InvariantGlobalization>true</InvariantGlobalization>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Loadline.Strategies.TorchSharp" Version="*-*" />
    <PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />
  </ItemGroup>
</Project>
END
sed -n '/^```cs$/,/^```$/p' "$root/docs/torchsharp.md" | sed '/^```/d' > Program.cs
grep -q LoadWeights Program.cs || fail "docs/torchsharp.md has no program"
dotnet build -c Release --nologo -v quiet > built || { cat built; fail "the program of docs/torchsharp.md does not build"; }
# It saves over the file that it loaded.
cp "$root/tests/Fixtures/tied.pth" model.pth && chmod u+w model.pth
sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
docker run --rm --network none --tmpfs /tmp --volume "$PWD:$PWD" --volume "$sdk:$sdk:ro" --workdir "$PWD" --env DOTNET_ROOT="$sdk" loadline-torchsharp:trixie \
    "$sdk/dotnet" bin/Release/net10.0/linux-x64/Loader.dll model.pth > said || { cat said; fail "the program of docs/torchsharp.md does not run"; }
grep -q '^mmap-assign: [1-9]' said || { cat said; fail "the packaged LoadWeights loads nothing"; }
sed 's/^/packages: TorchSharp, /' said

using Loadline.Tensors.Engines;

namespace Loadline.Harness.Runtimes;

/// <summary>What must be there, from <c>LOADLINE_REQUIRE</c>, as in "docker,gpu": for want of it a test fails instead of skipping.</summary>
internal sealed class Requirements
{
    /// <summary>A GPU that the runtime can pass in.</summary>
    public const string Gpu = "gpu";

    /// <summary>A machine on cgroup v2, or QEMU to boot one.</summary>
    public const string CgroupV2 = "v2";

    /// <summary>Podman, which runs the pods of tests/podman.sh.</summary>
    public const string Podman = "podman";

    /// <summary>The image of containers/pytorch, which tests/readback.sh and tests/differential.sh make where it is required.</summary>
    public const string PyTorch = "pytorch";

    /// <summary>What can be required.</summary>
    public static readonly IReadOnlyList<string> Known = ["docker", "cgroup", Gpu, "chromium", EngineNames.Libtorch, EngineNames.TorchSharp, "testcontainers", CgroupV2, Podman, PyTorch];

    private readonly HashSet<string> _names;

    private Requirements(HashSet<string> names) => _names = names;

    /// <summary>Of this process.</summary>
    /// <exception cref="InputException">As <see cref="Parse"/>.</exception>
    public static Requirements FromEnvironment() => Parse(Environment.GetEnvironmentVariable("LOADLINE_REQUIRE"));

    /// <summary>Reads names separated by commas; nothing is required by null or an empty text.</summary>
    /// <exception cref="InputException">A name is unknown: a misspelt requirement would require nothing.</exception>
    public static Requirements Parse(string? text)
    {
        var names = (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var unknown = names.FirstOrDefault(name => !Known.Contains(name));
        return unknown is null
            ? new Requirements([.. names])
            : throw new InputException($"LOADLINE_REQUIRE: '{unknown}' is none of {string.Join(", ", Known)}");
    }

    /// <summary>Whether the lack of it is a failure.</summary>
    public bool Demands(string name) => _names.Contains(name);
}

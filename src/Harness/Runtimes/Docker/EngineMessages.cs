using System.Text.Json.Serialization;

namespace Loadline.Harness.Runtimes.Docker;

// The parts of the Engine API's messages that Loadline needs, under the API's own names; unknown fields are ignored.

internal sealed record EngineInfo(
    string? ServerVersion, bool MemoryLimit, bool SwapLimit, string? CgroupVersion, IReadOnlyList<string>? SecurityOptions)
{
    /// <summary>Whether the Engine runs as an ordinary user.</summary>
    [JsonIgnore]
    public bool IsRootless => SecurityOptions?.Contains("name=rootless") == true;
}

internal sealed record EngineError(string? Message);

internal sealed record CreateContainer
{
    public required string Image { get; init; }

    /// <summary>Null leaves the image's own.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    public required IReadOnlyList<string> Cmd { get; init; }

    public required IReadOnlyList<string> Env { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>"uid:gid"; null leaves the image's own, which is root.</summary>
    public string? User { get; init; }

    /// <summary>A terminal would merge both streams into one without frames.</summary>
    public bool Tty => false;

    public bool AttachStdout => true;

    public bool AttachStderr => true;

    public required HostConfig HostConfig { get; init; }
}

internal sealed record HostConfig
{
    public required long Memory { get; init; }

    /// <summary>RAM and swap together: equal to <see cref="Memory"/> there is no swap; 0 would allow as much swap again.</summary>
    public long MemorySwap => Memory;

    public string NetworkMode => "none";

    public bool ReadonlyRootfs => true;

    public int PidsLimit => 1024;

    /// <summary>The Engine would remove the container before its state could be asked for.</summary>
    public bool AutoRemove => false;

    /// <summary>Output is read while it is written: nothing need be kept on disk, nor depends on the Engine's configuration.</summary>
    public LogConfig LogConfig => new("none");

    public required IReadOnlyList<Mount> Mounts { get; init; }

    public required IReadOnlyList<DeviceRequest> DeviceRequests { get; init; }
}

internal sealed record LogConfig(string Type);

internal sealed record Mount(string Source, string Target, bool ReadOnly)
{
    public string Type => "bind";
}

internal sealed record DeviceRequest(int Count)
{
    public string Driver => "nvidia";

    public IReadOnlyList<IReadOnlyList<string>> Capabilities => [["gpu", "compute", "utility"]];
}

internal sealed record Created(string Id, IReadOnlyList<string>? Warnings);

internal sealed record Waited(int StatusCode, WaitError? Error);

internal sealed record WaitError(string? Message);

internal sealed record Inspected(ContainerState State);

internal sealed record ContainerState(bool OOMKilled, int ExitCode, int Pid, string? Error, DateTimeOffset StartedAt, DateTimeOffset FinishedAt);

internal sealed record ListedContainer(string Id, IReadOnlyDictionary<string, string>? Labels);

internal sealed record ListedImage(string Id, IReadOnlyList<string>? RepoTags, long Created);

internal sealed record ImportProgress(string? Error);

[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(EngineInfo))]
[JsonSerializable(typeof(EngineError))]
[JsonSerializable(typeof(CreateContainer))]
[JsonSerializable(typeof(Created))]
[JsonSerializable(typeof(Waited))]
[JsonSerializable(typeof(Inspected))]
[JsonSerializable(typeof(ListedContainer[]))]
[JsonSerializable(typeof(ListedImage[]))]
[JsonSerializable(typeof(ImportProgress))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class EngineJson : JsonSerializerContext;

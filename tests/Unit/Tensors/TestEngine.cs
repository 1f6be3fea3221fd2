using Loadline.Tensors.Engines;
using Loadline.Unit.Cuda;

namespace Loadline.Unit.Tensors;

/// <summary>
/// The engine that the contract is checked on: native, with GPUs in memory, unless <c>LOADLINE_TEST_ENGINE</c> names another. tests/libtorch.sh does, in
/// a container.
/// </summary>
internal static class TestEngine
{
    public static string Name { get; } = Environment.GetEnvironmentVariable("LOADLINE_TEST_ENGINE") is { Length: > 0 } name ? name : EngineNames.Native;

    /// <summary>What the engine loads onto.</summary>
    public static IReadOnlyList<string> Devices { get; } = Name == EngineNames.Native ? ["cpu", "sim:1GiB", "cuda:0"] : ["cpu", "sim:1GiB"];

    public static Engine New() => Name == EngineNames.Native ? new NativeEngine(new InMemoryDriver()) : Engine.Create(Name);
}

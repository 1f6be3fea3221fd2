using Loadline.Strategies.Engines;

namespace Loadline.Unit.Strategies;

/// <summary>
/// The engine that the contract is checked on: native, unless <c>LOADLINE_TEST_ENGINE</c> names another. tests/libtorch.sh does, in a container.
/// </summary>
internal static class TestEngine
{
    public static string Name { get; } = Environment.GetEnvironmentVariable("LOADLINE_TEST_ENGINE") is { Length: > 0 } name ? name : EngineNames.Native;

    public static Engine New() => Engine.Create(Name);
}

using Loadline.Strategies.Memory;

namespace Loadline.Strategies.Engines;

/// <summary>Owns the memory of tensors with nothing but the operating system: anonymous mappings on the host, a count for simulated accelerators.</summary>
internal sealed class NativeEngine : Engine
{
    /// <inheritdoc/>
    public override string Name => EngineNames.Native;

    private protected override Storage AllocateOnHost(long bytes) => new AnonymousStorage(this, bytes);
}

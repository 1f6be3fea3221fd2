using Loadline.Checkpoints.Selection;
using Loadline.Reading;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>How weights get into a module. The defaults suit a model that is only read.</summary>
/// <remarks>
/// The checkpoint's names go through <see cref="Names"/>, <see cref="Key"/>, <see cref="AddPrefix"/> and <see cref="Rename"/>, in this order; what comes
/// out is held against the module's. In a pattern <c>*</c> stands for any characters and <c>?</c> for one.
/// </remarks>
public sealed record ModuleLoadOptions
{
    /// <summary>
    /// Whether checkpoint and module must have the same names. Where they need not, the module keeps what it has of the missing ones: values that its
    /// constructor made, or none on the meta device. That none of the names fits is an error all the same.
    /// </summary>
    public bool Strict { get; init; } = true;

    /// <summary>
    /// Whether weights must be in memory of their own, which takes S: nothing of the file stays mapped, and whatever happens to it afterwards is of no
    /// consequence. <c>auto</c> then reads; a strategy that maps is refused.
    /// </summary>
    public bool Own { get; init; }

    /// <summary>
    /// As <see cref="LoadOptions.DType"/>, with the checkpoint's names in its patterns: null gives each parameter the dtype that the checkpoint stores,
    /// whatever it was built with. Buffers that are not persistent, and so in no checkpoint, are converted, too.
    /// </summary>
    public TargetDType? DType { get; init; }

    /// <summary>Whether floating-point parameters keep the dtype that the module was built with, as <c>load_state_dict</c> does: others are converted on the way.</summary>
    public bool KeepDType { get; init; }

    /// <summary>As <see cref="LoadOptions.Readers"/>.</summary>
    public int Readers { get; init; } = new LoadOptions().Readers;

    /// <summary>
    /// Which of the checkpoint's tensors are taken, and by which names: patterns, rules for new names, a prefix to take off. With <see
    /// cref="EntrySelection.Auto"/> as its prefix it is the one behind which the module's names are.
    /// </summary>
    public EntrySelection Names { get; init; } = EntrySelection.All;

    /// <summary>
    /// One sub-tree of the checkpoint: only what lies below this name counts, and without it. <c>model</c> of a training checkpoint, <c>h.0</c> for one
    /// block of a model, with the dot at its end or without; null takes everything.
    /// </summary>
    public string? Key { get; init; }

    /// <summary>
    /// Is put before the names, for a module that lies deeper than the checkpoint's model did: <c>encoder</c>, with the dot at its end or without.
    /// </summary>
    public string AddPrefix { get; init; } = "";

    /// <summary>The module's name for a name of the checkpoint's, where rules are not enough; null leaves that tensor alone.</summary>
    public Func<string, string?>? Rename { get; init; }

    /// <summary>Patterns of the module's names: only these are loaded, and only these can be missing or left over. Empty means all.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>Patterns of names that are neither loaded nor missing nor left over, whatever their shapes: a head for other classes.</summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>
    /// Computes a parameter or buffer from the checkpoint's tensors: transposed, cut out of a fused one, put together of several, a LoRA merged. It gets the
    /// module's name, and returns null for what is loaded as it is. Sources stay mapped where they can: a view of one (a transpose, a slice) takes no
    /// memory, anything else takes its result and what it makes on the way, one parameter at a time.
    /// </summary>
    /// <remarks>
    /// It is called twice for each name: first with tensors on the meta device, which have shapes and no values, so that a shape that does not fit is
    /// found before anything changes. A value (<c>item()</c>, an <c>if</c> on an element) cannot be asked for then. What it makes is disposed, but for its
    /// result.
    /// </remarks>
    public Func<string, CheckpointTensors, torch.Tensor?>? Compute { get; init; }

    /// <summary>
    /// Devices of parts of the module: "" for all that has no other, <c>h.0</c> for a block and all below it. Null puts everything onto the one device of
    /// the call.
    /// </summary>
    public IReadOnlyDictionary<string, torch.Device>? DeviceMap { get; init; }

    /// <summary>Is told how far the load is, at most every 8 MiB, from the threads that read.</summary>
    public IProgress<LoadProgress>? Progress { get; init; }
}

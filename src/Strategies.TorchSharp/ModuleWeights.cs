using Loadline.Checkpoints;
using Loadline.Strategies.Words;
using Loadline.Tensors;
using Loadline.Tensors.Engines;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>Loads checkpoints into TorchSharp's modules, and saves them: the calls that most programs need.</summary>
public static class ModuleWeights
{
    /// <summary>
    /// Loads weights and lets the module take over the very tensors, as <c>load_state_dict(assign=True)</c> does: beside what the strategy costs this
    /// takes no memory, and what the parameters held before is freed. Parameters stay the objects that they are, and what is one parameter stays one.
    /// </summary>
    /// <param name="module">Built on the CPU, or without memory by <see cref="Skeleton.Build{T}"/>.</param>
    /// <param name="path">A file or folder of any format in <see cref="CheckpointFormat"/>.</param>
    /// <param name="strategy">
    /// How the weights get into memory, a name from <see cref="StrategyCatalog"/>. By default the planner chooses: they stay mapped where the file can be
    /// mapped, and are read where it is compressed.
    /// </param>
    /// <param name="device">Where the module is to be; null is the CPU. Onto a GPU tensors are copied one after the other, each from where the strategy put it.</param>
    /// <param name="options">Names, dtype, what is computed on the way, progress.</param>
    /// <param name="cancellation">Ends the load with the next read; the module is then as it was before.</param>
    /// <remarks>
    /// Mapped weights are the file's own pages: writing them, as training does, makes pages private and never changes the file, which must be neither cut
    /// nor overwritten meanwhile: TorchSharp's <c>save</c> to that path ends the process. <see cref="SaveWeights"/> may save there, and <see
    /// cref="ModuleLoadOptions.Own"/> maps nothing. The mapping stays while any of their parameters does. A view of a mapped weight (<c>detach</c>, a slice)
    /// does not count: clone what is to outlive the module.
    /// </remarks>
    /// <exception cref="CheckpointException">The checkpoint is refused, or does not fit the module, which is then as it was before.</exception>
    /// <exception cref="ArgumentException">An option makes no sense, or the module is of TorchScript, whose weights C# cannot replace.</exception>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">
    /// libtorch failed, as where a GPU is full: weights that were in place by then are, and the others are not. Load again, or dispose the module.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// What a load does not bring has no memory (a module that computes in native code, a buffer that is not persistent), or libtorch failed in <see
    /// cref="ModuleLoadOptions.Compute"/>.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The module was disposed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ModuleLoad LoadWeights(
        this torch.nn.Module module, string path, string strategy = "auto", torch.Device? device = null, ModuleLoadOptions? options = null,
        CancellationToken cancellation = default)
    {
        options ??= new ModuleLoadOptions();
        return new ModuleLoading(module, strategy, device, options).From(path, new ObservedReads(null, options.Progress, cancellation), mayMap: true);
    }

    /// <summary>The same from a stream that can seek, from its beginning: it is read into place, never mapped, and by one reader at a time.</summary>
    /// <param name="module">As for a path.</param>
    /// <param name="stream">A checkpoint of any format that is one file. It stays open.</param>
    /// <param name="strategy">As for a path, but for those that map.</param>
    /// <param name="device">As for a path.</param>
    /// <param name="options">As for a path.</param>
    /// <param name="cancellation">As for a path.</param>
    /// <exception cref="ArgumentException">The stream cannot seek, or the strategy maps.</exception>
    /// <inheritdoc cref="LoadWeights(torch.nn.Module, string, string, torch.Device?, ModuleLoadOptions?, CancellationToken)" path="/exception"/>
    public static ModuleLoad LoadWeights(
        this torch.nn.Module module, Stream stream, string strategy = "auto", torch.Device? device = null, ModuleLoadOptions? options = null,
        CancellationToken cancellation = default)
    {
        options ??= new ModuleLoadOptions();
        using var file = new StreamFile(stream);
        return new ModuleLoading(module, strategy, device, options with { Own = true }).From(file.Path, new ObservedReads(stream, options.Progress, cancellation), mayMap: false);
    }

    /// <summary>The same on a thread of the pool.</summary>
    /// <inheritdoc cref="LoadWeights(torch.nn.Module, string, string, torch.Device?, ModuleLoadOptions?, CancellationToken)"/>
    public static Task<ModuleLoad> LoadWeightsAsync(
        this torch.nn.Module module, string path, string strategy = "auto", torch.Device? device = null, ModuleLoadOptions? options = null,
        CancellationToken cancellation = default) =>
        Task.Run(() => module.LoadWeights(path, strategy, device, options, cancellation), cancellation);

    /// <summary>
    /// Saves parameters and persistent buffers under the names of the state dict, in bounded memory. It is written under a name of its own, synced and
    /// renamed: the path holds the old file or the new one, never a half, and weights that are mapped from the old one stay what they are.
    /// </summary>
    /// <param name="module">On whatever devices it is.</param>
    /// <param name="path">The file; the ending says the format: <c>.safetensors</c>, <c>.pth</c>, <c>.pt</c> or <c>.bin</c>, <c>.dat</c>.</param>
    /// <param name="format">The format where the ending does not say it; null goes by the ending.</param>
    /// <param name="metadata">For the <c>__metadata__</c> of safetensors.</param>
    /// <param name="cancellation">Stops and removes what was written.</param>
    /// <remarks>
    /// What is one parameter is written once in <c>pth</c>, under all its names; safetensors and dat, which know no ties, get a copy for each, so that
    /// every loader finds every name, and a load into a module that ties puts them together again.
    /// </remarks>
    /// <exception cref="ArgumentException">The ending says no format, or it cannot be written; or the module is of TorchScript.</exception>
    /// <exception cref="InvalidOperationException">A parameter is on the meta device.</exception>
    /// <exception cref="CheckpointException">The format cannot hold one of the tensors.</exception>
    /// <exception cref="IOException">The file cannot be written; the message names it, and for a full disk the bytes needed and free.</exception>
    public static void SaveWeights(
        this torch.nn.Module module, string path, CheckpointFormat? format = null, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellation = default) =>
        ModuleSaving.Save(module, path, format ?? CheckpointFormats.OfEnding(path), metadata, cancellation);

    /// <summary>Loads with somebody's engine, and returns the tensors that the module has taken over beside it, so that what they hold can be measured.</summary>
    internal static (Model Model, ModuleLoad Load) Load(
        torch.nn.Module module, Checkpoint checkpoint, LoadOptions load, Engine engine, torch.Device target, bool strict) =>
        new ModuleLoading(module, load, target, new ModuleLoadOptions { Strict = strict }).From(checkpoint, engine);
}

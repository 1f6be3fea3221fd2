using System.Diagnostics.CodeAnalysis;
using Loadline.Checkpoints;
using TorchSharp;

namespace Loadline.Strategies.TorchSharp;

/// <summary>A checkpoint's tensors, for <see cref="ModuleLoadOptions.Compute"/>. Each is there from when it is asked for until the parameter is computed.</summary>
public sealed class CheckpointTensors
{
    private readonly string _path;
    private readonly IReadOnlyDictionary<string, TensorEntry> _entries;
    private readonly Func<TensorEntry, torch.Tensor> _get;

    internal CheckpointTensors(string path, IReadOnlyDictionary<string, TensorEntry> entries, Func<TensorEntry, torch.Tensor> get) =>
        (_path, _entries, _get) = (path, entries, get);

    /// <summary>Names, as they come out of the options' rules.</summary>
    public IEnumerable<string> Names => _entries.Keys;

    /// <summary>A tensor in the checkpoint's dtype and on the CPU. It may be the file's own pages: what writes to it makes them private.</summary>
    /// <exception cref="CheckpointException">There is none of that name.</exception>
    public torch.Tensor this[string name] => TryGet(name, out var tensor)
        ? tensor
        : throw new CheckpointException(CheckpointError.Mismatch, _path, "is asked for by Compute, and is not there", name);

    /// <summary>The tensor of a name, if there is one.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out torch.Tensor? tensor)
    {
        tensor = _entries.TryGetValue(name, out var entry) ? _get(entry) : null;
        return tensor is not null;
    }
}

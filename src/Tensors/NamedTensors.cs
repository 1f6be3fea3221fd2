using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Loadline.Checkpoints;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Memory;

namespace Loadline.Tensors;

/// <summary>Tensors by name, in order. Owns them: disposing it disposes every tensor.</summary>
public abstract class NamedTensors : IReadOnlyDictionary<string, Tensor>, IDisposable
{
    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly List<string> _names = [];

    private protected NamedTensors(Engine engine) => Engine = engine;

    /// <inheritdoc/>
    public int Count => _names.Count;

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _names;

    /// <inheritdoc/>
    public IEnumerable<Tensor> Values => _names.Select(name => _tensors[name]);

    internal Engine Engine { get; }

    /// <summary>What memory is held for that is bound here; null where that says nothing new.</summary>
    private protected abstract string? Use { get; }

    /// <inheritdoc/>
    /// <exception cref="KeyNotFoundException">There is no tensor of that name.</exception>
    public Tensor this[string key] => _tensors.TryGetValue(key, out var tensor) ? tensor : throw new KeyNotFoundException($"there is no tensor '{key}'");

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _tensors.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out Tensor value) => _tensors.TryGetValue(key, out value);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator()
    {
        foreach (var name in _names) yield return KeyValuePair.Create(name, _tensors[name]);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Disposes every tensor.</summary>
    public void Dispose()
    {
        foreach (var tensor in _tensors.Values) tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The names of each storage's tensors together: what shares memory is moved and copied once.</summary>
    internal IReadOnlyList<IGrouping<Storage, string>> ByStorage() => [.. _names.GroupBy(name => _tensors[name].Storage)];

    /// <summary>Puts a view of a storage under a name that is new here: nothing is disposed that a load may still fill.</summary>
    /// <exception cref="ArgumentException">There is a tensor of that name.</exception>
    internal void Add(string name, TensorEntry layout, Storage storage)
    {
        if (_tensors.ContainsKey(name)) throw new ArgumentException($"there is a tensor '{PrintableText.Escape(name)}' already", nameof(name));
        Set(name, layout, storage);
    }

    /// <summary>Puts a view of a storage under its name; the tensor that was there before is disposed.</summary>
    internal void Set(string name, TensorEntry layout, Storage storage)
    {
        if (Use is not null) storage.UsedFor(Use, name);
        var tensor = new Tensor(layout, storage, Engine.View(layout, storage));
        if (_tensors.Remove(name, out var before)) before.Dispose();
        else _names.Add(name);
        _tensors.Add(name, tensor);
    }

    /// <summary>Binds all tensors of a group, as they lie in <paramref name="source"/>, to another storage, and hands that over to them.</summary>
    internal void Rebind(NamedTensors source, IEnumerable<string> group, Storage storage)
    {
        try
        {
            foreach (var name in group) Set(name, source[name].Layout, storage);
        }
        finally
        {
            storage.Release();
        }
    }
}

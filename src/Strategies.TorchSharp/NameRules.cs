using Loadline.Checkpoints;
using Loadline.Checkpoints.Selection;

namespace Loadline.Strategies.TorchSharp;

/// <summary>What the options make of names.</summary>
internal sealed class NameRules(ModuleLoadOptions options)
{
    private const int KnownParts = 5;
    private const int KnownChars = 40;

    private readonly NamePattern[] _include = [.. options.Include.Select(text => new NamePattern(text))];
    private readonly NamePattern[] _ignore = [.. options.Ignore.Select(text => new NamePattern(text))];

    private readonly string? _key = options.Key is { } key ? WithDot(key) : null;
    private readonly string _prefix = WithDot(options.AddPrefix);

    /// <summary>Whether a name of the module's, or what became one, takes part.</summary>
    public bool TakesPart(string name) => (_include.Length == 0 || Array.Exists(_include, p => p.Fits(name))) && !Array.Exists(_ignore, p => p.Fits(name));

    /// <summary>The checkpoint's tensors by the names that come out.</summary>
    /// <exception cref="CheckpointException">Two get the same name, or there is nothing below the key.</exception>
    public IReadOnlyDictionary<string, TensorEntry> Apply(Checkpoint checkpoint)
    {
        var named = new Dictionary<string, TensorEntry>(checkpoint.Entries.Count);
        var isBelowKey = options.Key is null;
        foreach (var entry in checkpoint.Entries)
        {
            if (BelowKey(entry.Name) is not { } below) continue;
            isBelowKey = true;
            if (New(below) is not { } name || named.TryAdd(name, entry)) continue;
            throw new CheckpointException(CheckpointError.Mismatch, checkpoint.Path, $"gets the name '{name}', which '{named[name].Name}' has already", entry.Name);
        }

        if (isBelowKey) return named;
        var keys = checkpoint.Entries.Select(e => DottedName.FirstPart(e.Name, KnownChars)).Distinct().Take(KnownParts);
        throw new CheckpointException(CheckpointError.Mismatch, checkpoint.Path, $"has nothing below '{options.Key}': its names begin with {string.Join(", ", keys)}");
    }

    private string? BelowKey(string name) => _key is null ? name : name.StartsWith(_key, StringComparison.Ordinal) && name.Length > _key.Length ? name[_key.Length..] : null;

    private static string WithDot(string path) => path.Length == 0 || path.EndsWith('.') ? path : path + ".";

    private string? New(string name)
    {
        name = _prefix + name;
        return options.Rename is null ? name : options.Rename(name);
    }
}

using System.Text;

namespace Loadline.Checkpoints.Selection;

/// <summary>
/// What training puts around a model's names, and beside them. Sources: PyTorch's DistributedDataParallel (<c>module.</c>), torch.compile
/// (<c>_orig_mod.</c>), FSDP and checkpoint_wrapper (<c>_fsdp_wrapped_module.</c>, <c>_checkpoint_wrapped_module.</c>), Lightning (<c>state_dict.</c>), and
/// the keys under which training scripts put a model into their checkpoints.
/// </summary>
internal static class Wrappers
{
    // Of a hostile file's names a hundred thousand may end as a parameter's does.
    private const int MaxCandidates = 64;
    private const int MaxDepth = 8;

    // No module has an attribute of these names: they go wherever they stand in a name.
    private static readonly string[] Inner = ["_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_forward_module."];

    private static readonly string[] Outer =
        ["state_dict.", "model_state_dict.", "model_state.", "model.", "module.", "network.", "net.", "params.", "weights."];

    // A copy of the weights, averaged over the training; taken where there is no other.
    private static readonly string[] Averaged =
        ["ema.", "ema_model.", "model_ema.", "ema_state_dict.", "model_ema_state_dict.", "state_dict_ema.", "params_ema."];

    // The beginnings of what lies beside a model.
    private static readonly string[] Beside =
        ["optim", "opt.", "opt_state", "lr_sched", "scheduler", "scaler", "grad_scaler", "amp.", "rng", "random_", "callbacks.", "loops.", "train_"];

    /// <summary>A name without the wrappers that stand anywhere.</summary>
    public static string WithoutInner(string name)
    {
        // One search for nearly all names.
        if (!name.Contains('_')) return name;
        // Part by part, each with the dot behind it: a name of 64 KiB may be wrappers from end to end.
        var kept = new StringBuilder(name.Length);
        var rest = name.AsSpan();
        for (var dot = rest.IndexOf('.'); dot >= 0; dot = rest.IndexOf('.'))
        {
            if (!IsInner(rest[..(dot + 1)])) kept.Append(rest[..(dot + 1)]);
            rest = rest[(dot + 1)..];
        }

        return kept.Length + rest.Length == name.Length ? name : kept.Append(rest).ToString();
    }

    /// <summary>The wrappers around all names but those of what lies beside a model; empty where there are none.</summary>
    public static string PrefixOf(IReadOnlyCollection<string> names)
    {
        var prefix = "";
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            var found = Array.Find(Outer, w => IsAround(names, prefix, w)) ?? Array.Find(Averaged, w => IsAround(names, prefix, w));
            if (found is null) break;
            prefix += found;
        }

        return prefix;
    }

    /// <summary>The prefix, perhaps empty, behind which all names of a model are there; null where there is none.</summary>
    /// <param name="names">What is there.</param>
    /// <param name="expected">The model's names.</param>
    public static string? PrefixFor(IReadOnlySet<string> names, IReadOnlyCollection<string> expected)
    {
        if (expected.Count == 0) return null;
        var longest = expected.MaxBy(name => name.Length)!;
        return names
            .Where(name => name.EndsWith(longest, StringComparison.Ordinal) && (name.Length == longest.Length || name[^(longest.Length + 1)] == '.'))
            .Select(name => name[..^longest.Length])
            .OrderBy(prefix => Averaged.Any(prefix.Contains)).ThenBy(prefix => prefix.Length)
            .Take(MaxCandidates)
            .FirstOrDefault(prefix => expected.All(name => names.Contains(prefix + name)));
    }

    private static bool IsInner(ReadOnlySpan<char> part)
    {
        foreach (var wrapper in Inner)
        {
            if (part.SequenceEqual(wrapper)) return true;
        }

        return false;
    }

    /// <summary>Whether a name begins as that of an optimizer, a scheduler, a random state and the like does.</summary>
    public static bool IsBeside(ReadOnlySpan<char> name)
    {
        foreach (var start in Beside)
        {
            if (name.StartsWith(start, StringComparison.Ordinal)) return true;
        }

        return false;
    }

    // Behind a wrapper that was found already, nothing lies beside the model any more.
    private static bool IsAround(IReadOnlyCollection<string> names, string prefix, string wrapper)
    {
        var isThere = false;
        foreach (var name in names)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal)) continue;
            var rest = name.AsSpan(prefix.Length);
            if (rest.StartsWith(wrapper, StringComparison.Ordinal)) isThere = true;
            else if (!IsBeside(rest, wrapper)) return false;
        }

        return isThere;
    }

    private static bool IsBeside(ReadOnlySpan<char> name, string wrapper)
    {
        if (IsBeside(name)) return true;
        if (Averaged.Contains(wrapper)) return false;
        foreach (var averaged in Averaged)
        {
            if (name.StartsWith(averaged, StringComparison.Ordinal)) return true;
        }

        return false;
    }
}

using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Loadline.Checkpoints;
using Loadline.Checkpoints.Conversion;
using Loadline.Checkpoints.Selection;

namespace Loadline.Reading;

/// <summary>
/// The dtype that floating-point weights have in memory, as Transformers' <c>torch_dtype</c>: one for all, others by name, or both. They are converted
/// on the way, so that no strategy holds them in the file's dtype. Integers, bool and complex stay what they are.
/// </summary>
/// <remarks>
/// As text: <c>bfloat16</c>, <c>auto</c>, <c>bfloat16,lm_head.*=float32</c>. In a pattern <c>*</c> stands for any characters and <c>?</c> for one; of
/// several patterns that fit a name the first counts.
/// </remarks>
public sealed record TargetDType
{
    private const string AutoName = "auto";

    private DType? All { get; init; }

    private bool IsAuto { get; init; }

    private ImmutableArray<(NamePattern Pattern, DType DType)> ByName { get; init; } = [];

    /// <summary>
    /// The dtype of the checkpoint's first floating-point tensor, in the order of the file, for all of them. A checkpoint has no configuration that
    /// could say otherwise, and this is what Transformers does without one. float8, to which nothing is converted, is passed over.
    /// </summary>
    public static TargetDType Auto { get; } = new() { IsAuto = true };

    /// <summary>One dtype for all floating-point weights; null keeps each one's own, as no target does.</summary>
    /// <param name="dtype">One of <see cref="DTypeConversion.Targets"/>.</param>
    /// <exception cref="ArgumentException">Nothing is converted to this dtype.</exception>
    [return: NotNullIfNotNull(nameof(dtype))]
    public static implicit operator TargetDType?(DType? dtype) => dtype is null ? null : new() { All = Convertible(dtype) };

    /// <summary>Another dtype for the floating-point tensors whose names fit a pattern.</summary>
    /// <param name="pattern">As in <c>lm_head.*</c>; without a comma.</param>
    /// <param name="dtype">One of <see cref="DTypeConversion.Targets"/>.</param>
    /// <exception cref="ArgumentException">Nothing is converted to this dtype, or the pattern is empty or has a comma.</exception>
    public TargetDType With(string pattern, DType dtype)
    {
        if (pattern is "" || pattern.Contains(',')) throw new ArgumentException($"'{pattern}' is no pattern of names: write ? for a comma", nameof(pattern));
        return this with { ByName = ByName.Add((new NamePattern(pattern), Convertible(dtype))) };
    }

    /// <summary>Reads <c>bfloat16</c>, <c>auto</c>, or either with patterns behind it: <c>bfloat16,lm_head.*=float32</c>.</summary>
    /// <exception cref="FormatException">It is none of these; the message says what there is.</exception>
    public static TargetDType Parse(string text) => TryParse(text, out var target)
        ? target
        : throw new FormatException($"'{text}' is no dtype to load as: known are {string.Join(", ", Known)}, and for some names another, as in bfloat16,lm_head.*=float32");

    /// <summary><see cref="Parse"/> without the exception.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out TargetDType? target)
    {
        target = null;
        var parts = text?.Split(',') ?? [];
        var read = new TargetDType();
        foreach (var (index, part) in parts.Index())
        {
            // A name may have an equals sign in it, a dtype has none.
            var (pattern, name) = part.LastIndexOf('=') is var at and >= 0 ? (part[..at], part[(at + 1)..]) : (null, part);
            if (pattern is null && index > 0 || pattern is "") return false;
            if (pattern is null && name == AutoName) read = Auto;
            else if (!DType.TryParse(name, out var dtype) || !DTypeConversion.Targets.Contains(dtype)) return false;
            else read = pattern is null ? dtype : read.With(pattern, dtype);
        }

        target = parts.Length > 0 ? read : null;
        return target is not null;
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString()
    {
        var all = IsAuto ? AutoName : All?.Name;
        return string.Join(',', ByName.Select(n => $"{n.Pattern.Text}={n.DType}").Prepend(all).Where(part => part is not null));
    }

    /// <summary>Compares the patterns, too.</summary>
    public bool Equals(TargetDType? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode();

    /// <summary>The same, with <c>auto</c> replaced by the dtype that a checkpoint makes of it; where it makes none, nothing is converted.</summary>
    public TargetDType In(Checkpoint checkpoint) => IsAuto && checkpoint.Entries.FirstOrDefault(e => DTypeConversion.Targets.Contains(e.DType)) is { } first
        ? this with { IsAuto = false, All = first.DType }
        : this;

    /// <summary>The same for some of its tensors, of which each can have the dtype that is wanted: nothing is measured or planned of others.</summary>
    /// <exception cref="CheckpointException">As of <see cref="Require"/>.</exception>
    internal TargetDType In(Checkpoint checkpoint, IReadOnlyList<TensorEntry> entries)
    {
        var target = In(checkpoint);
        target.Require(checkpoint.Path, entries);
        return target;
    }

    /// <summary>A tensor's dtype in memory.</summary>
    internal DType Of(TensorEntry entry) => Of(entry.Name, entry.DType);

    /// <summary>The same by a name, of what is stored in a dtype.</summary>
    internal DType Of(string name, DType stored)
    {
        if (!stored.IsFloatingPoint) return stored;
        var named = ByName.FirstOrDefault(n => n.Pattern.Fits(name));
        return named.DType ?? All ?? stored;
    }

    /// <summary>Refuses what cannot be done with these tensors, before anything is read.</summary>
    /// <exception cref="CheckpointException">There is no conversion of a tensor's dtype, or a pattern that fits no floating-point tensor.</exception>
    private void Require(string path, IReadOnlyList<TensorEntry> entries)
    {
        foreach (var entry in entries)
        {
            var dtype = Of(entry);
            if (dtype == entry.DType || DTypeConversion.CanConvert(entry.DType, dtype)) continue;
            throw new CheckpointException(CheckpointError.Unsupported, path, $"of {entry.DType} cannot be converted to {dtype}: load it without a dtype", entry.Name);
        }

        // A pattern that is misspelt would leave a tensor in the dtype that it was to be kept from.
        foreach (var (pattern, _) in ByName)
        {
            if (entries.Any(e => e.DType.IsFloatingPoint && pattern.Fits(e.Name))) continue;
            throw new CheckpointException(CheckpointError.Mismatch, path, $"has no floating-point tensor whose name fits '{pattern.Text}': loadline inspect lists the names");
        }
    }

    private static IEnumerable<string> Known => DTypeConversion.Targets.Select(d => d.Name).Append(AutoName);

    private static DType Convertible(DType dtype) => DTypeConversion.Targets.Contains(dtype)
        ? dtype
        : throw new ArgumentException($"nothing is converted to {dtype}: choose {string.Join(", ", DTypeConversion.Targets)}", nameof(dtype));
}

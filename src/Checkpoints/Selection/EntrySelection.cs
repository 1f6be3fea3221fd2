using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace Loadline.Checkpoints.Selection;

/// <summary>
/// Which tensors of a checkpoint are taken, and by which names. What is left out is not read from the disk, takes no memory and plays no part in plans.
/// Patterns of <see cref="Include"/> and <see cref="Exclude"/> fit names as the file has them; then <see cref="Strip"/> takes a prefix off, and then
/// <see cref="Rename"/> gives new names.
/// </summary>
/// <remarks>In a pattern <c>*</c> stands for any characters and <c>?</c> for one.</remarks>
public sealed record EntrySelection
{
    /// <summary>The <see cref="Strip"/> that finds the prefix by itself.</summary>
    public const string Auto = "auto";

    /// <summary>All tensors, by the names that the file gives them.</summary>
    public static EntrySelection All { get; } = new();

    /// <summary>Patterns of which a name has to fit one, as in <c>encoder.*</c>; none takes all. One that fits no tensor is refused.</summary>
    public ImmutableArray<string> Include { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>Patterns of names that are left out, whatever else they fit.</summary>
    public ImmutableArray<string> Exclude { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>
    /// Rules <c>OLD=NEW</c>, as in <c>model.*=*</c> or <c>h.*.attn.*=layers.*.attention.*</c>; of several that fit a name the first counts. One that fits
    /// no tensor is refused.
    /// </summary>
    public ImmutableArray<string> Rename { get; init => field = value.IsDefault ? [] : value; } = [];

    /// <summary>
    /// A prefix that is taken off the names that have it, as in <c>module.</c>; the others stay. With <see cref="Auto"/> the wrappers that training puts
    /// around a model (<c>state_dict.</c>, <c>model.</c>, <c>module.</c>, <c>_orig_mod.</c>, …) are taken off, and what training keeps beside it (optimizer,
    /// schedulers, an averaged copy of the weights) is left out.
    /// </summary>
    public string? Strip { get; init; }

    /// <summary>Whether it takes everything as it is.</summary>
    public bool IsAll => Include.IsEmpty && Exclude.IsEmpty && Rename.IsEmpty && string.IsNullOrEmpty(Strip);

    /// <summary>Reads what a command line gives: lists with commas between patterns, and null for what is not given.</summary>
    /// <exception cref="FormatException">A pattern is empty, or a rule is none.</exception>
    public static EntrySelection Parse(string? include, string? exclude, string? rename, string? strip) =>
        new EntrySelection { Include = List(include), Exclude = List(exclude), Rename = List(rename), Strip = string.IsNullOrEmpty(strip) ? null : strip }.Validated();

    /// <summary>As arguments of a command line, which <see cref="Parse"/> reads back; none for <see cref="All"/>.</summary>
    public IReadOnlyList<string> Arguments =>
    [
        .. Option("--include", string.Join(',', Include)), .. Option("--exclude", string.Join(',', Exclude)), .. Option("--rename", string.Join(',', Rename)),
        .. Option("--strip", Strip),
    ];

    /// <summary>The arguments with spaces between them.</summary>
    public override string ToString() => string.Join(' ', Arguments);

    /// <summary>Compares the patterns, too.</summary>
    public bool Equals(EntrySelection? other) =>
        other is not null && Strip == other.Strip && Include.SequenceEqual(other.Include) && Exclude.SequenceEqual(other.Exclude) && Rename.SequenceEqual(other.Rename);

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode();

    /// <exception cref="FormatException">A pattern is empty or null, or a rule is none.</exception>
    internal EntrySelection Validated()
    {
        // Asked of every checkpoint, and mostly of nothing.
        if (!IsAll) Check();
        return this;
    }

    // By itself: what it needs would be loaded with the first checkpoint of a process.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Check()
    {
        if (Include.Concat(Exclude).Concat(Rename).Contains(null!)) throw new FormatException("a pattern of names is null");
        if (Include.Concat(Exclude).Contains("")) throw new FormatException("an empty pattern of names fits none: write * for all");
        _ = RenameRule.ParseAll(Rename);
    }

    private static string[] Option(string name, string? value) => string.IsNullOrEmpty(value) ? [] : [name, value];

    private static ImmutableArray<string> List(string? text) => string.IsNullOrEmpty(text) ? [] : [.. text.Split(',')];
}

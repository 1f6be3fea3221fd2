using System.Security.Cryptography;
using System.Text;

namespace Loadline.Harness.Kubernetes;

/// <summary>
/// Names and labels of what a case becomes in a cluster. A case's own name is a sentence: what Kubernetes takes for one is its letters and digits, and a digest
/// of all of it, so that the same case has the same name each time and no two have one.
/// </summary>
internal static class KubernetesNames
{
    /// <summary>Says which run an object belongs to.</summary>
    public const string RunLabel = "loadline.run";

    /// <summary>Says which case it is: <see cref="CaseValue"/>.</summary>
    public const string CaseLabel = "loadline.case";

    /// <summary>Says which checkpoint it reads: two that read the same one do not run on one node at a time.</summary>
    public const string CheckpointLabel = "loadline.checkpoint";

    /// <summary>An annotation with the case's name as the budget file has it.</summary>
    public const string NameAnnotation = "loadline.name";

    /// <summary>The most of a label's value, and of a name that is one part of a host's name (RFC 1123).</summary>
    private const int MostChars = 63;

    /// <summary>The most of a name of several parts (RFC 1123).</summary>
    private const int MostSubdomainChars = 253;

    private const int DigestChars = 10;
    private const string Prefix = "loadline-";

    /// <summary>With prefix and digest 57: a Job calls its pod by its own name and six more characters.</summary>
    private const int SlugChars = 37;

    /// <summary>The value of <see cref="CaseLabel"/>, and of <see cref="CheckpointLabel"/>, for a name.</summary>
    public static string CaseValue(string name) => $"{Slug(name)}-{Digest(name)}";

    /// <summary>The name of a case's Job, or of its Pod.</summary>
    public static string ObjectName(string run, string name) => $"{Prefix}{Slug(name)}-{Digest($"{run}\n{name}")}";

    /// <summary>The first hexadecimal digits of a text's SHA-256.</summary>
    public static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..DigestChars];

    /// <summary>Whether a text may be a label's value: letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, a letter or a digit at both ends.</summary>
    public static bool IsLabelValue(string text) =>
        text.Length is > 0 and <= MostChars
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
        && char.IsAsciiLetterOrDigit(text[0])
        && char.IsAsciiLetterOrDigit(text[^1]);

    /// <summary>Whether a text may name a namespace: small letters, digits and <c>-</c>.</summary>
    public static bool IsLabel(string text) => text.Length <= MostChars && IsPart(text);

    /// <summary>Whether a text may name a pod or a claim: such labels with points between them.</summary>
    public static bool IsSubdomain(string text) => text.Length <= MostSubdomainChars && text.Split('.').All(IsPart);

    private static bool IsPart(string part) =>
        part.Length > 0 && part.All(c => IsSmallOrDigit(c) || c == '-') && IsSmallOrDigit(part[0]) && IsSmallOrDigit(part[^1]);

    private static bool IsSmallOrDigit(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c);

    private static string Slug(string name)
    {
        var words = new string([.. name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' ')]);
        var slug = string.Join('-', words.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return slug.Length == 0 ? "case" : slug[..Math.Min(slug.Length, SlugChars)].TrimEnd('-');
    }
}

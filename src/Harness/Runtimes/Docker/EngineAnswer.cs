using System.Globalization;
using System.Text.RegularExpressions;
using Loadline.Checkpoints;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>What an Engine answers, before it is used: an id becomes part of the next request's path.</summary>
internal static partial class EngineAnswer
{
    // Of a reason that is cut there is as much.
    private const int MostNameChars = 400;

    /// <summary>A container's id.</summary>
    /// <exception cref="RuntimeException">It is none.</exception>
    public static string Id(string? id) => id is not null && ContainerId().IsMatch(id) ? id
        : throw new RuntimeException($"docker: the Engine does not answer as its API says: '{PrintableText.Shorten(DockerEngine.OneLine(id ?? ""), 100)}' is no container's id");

    /// <summary>An image's id: a digest, which some Engines give without its algorithm.</summary>
    /// <exception cref="RuntimeException">It is none.</exception>
    public static string ImageId(string? id) => IsImageId(id) ? id!
        : throw new RuntimeException($"docker: the Engine does not answer as its API says: '{PrintableText.Shorten(DockerEngine.OneLine(id ?? ""), 100)}' is no image's id");

    /// <summary>Whether a text is an image's id.</summary>
    public static bool IsImageId(string? text) => text is not null && Digest().IsMatch(text);

    /// <summary>An image's id as every Engine takes it for one: Podman takes what begins with its algorithm for a name.</summary>
    public static string BareImageId(string id) => id[(id.IndexOf(':') + 1)..];

    /// <summary>A program's exit code.</summary>
    /// <exception cref="RuntimeException">It is none.</exception>
    public static int ExitCode(long code) => code is >= 0 and <= byte.MaxValue ? (int)code
        : throw new RuntimeException($"docker: the Engine does not answer as its API says: {code} is no exit code");

    /// <summary>A time, as in 2026-01-02T03:04:05.678Z.</summary>
    /// <exception cref="RuntimeException">It is none.</exception>
    public static DateTimeOffset Time(string? time) =>
        DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed) && parsed.Year < DateTimeOffset.MaxValue.Year ? parsed
        : throw new RuntimeException($"docker: the Engine does not answer as its API says: '{PrintableText.Shorten(DockerEngine.OneLine(time ?? ""), 100)}' is no time");

    /// <summary>How a refusal may write a program's name, or the beginning of a long one: as it is (crun), and as Go's <c>%q</c> quotes it (runc).</summary>
    public static IEnumerable<string> Spellings(string name)
    {
        var begin = name.Length > MostNameChars ? name[..MostNameChars] : name;
        var quoted = string.Concat(begin.Select(c => c switch
        {
            '"' or '\\' => $"\\{c}",
            '\a' => "\\a",
            '\b' => "\\b",
            '\f' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\v' => "\\v",
            < ' ' or '\x7f' => $"\\x{(int)c:x2}",
            _ => $"{c}",
        }));
        return [PrintableText.Escape(begin), DockerEngine.OneLine(begin), DockerEngine.OneLine(quoted)];
    }

    /// <summary>Something holds null where a value belongs.</summary>
    public static RuntimeException Nothing(string where) => new($"docker: the Engine does not answer as its API says: null in {where}");

    // No slash and no dot in front: it cannot name another resource than a container.
    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ContainerId();

    [GeneratedRegex(@"^(sha256:)?[0-9a-f]{64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Digest();
}

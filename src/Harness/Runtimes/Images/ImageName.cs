using System.Text.RegularExpressions;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>An image's name as people write it, <c>NAME:TAG</c>, with a registry before it or not (distribution's reference grammar, without digests).</summary>
/// <param name="Repository">All before the tag.</param>
/// <param name="Tag">What stands behind the last colon.</param>
internal sealed partial record ImageName(string Repository, string Tag)
{
    private const int LongestRepository = 255;

    /// <summary>What is wrong with a name that is given as <c>NAME[:TAG]</c>; null where nothing is.</summary>
    public static string? ProblemOf(string text) => Grammar().Match(text) is { Success: true } match && match.Groups["name"].Length <= LongestRepository
        ? null
        : $"'{text}' is no name of an image: one is [REGISTRY/]NAME[:TAG] in small letters, as in registry.example/team/loadline-worker:1";

    /// <summary>Reads a name without a problem.</summary>
    /// <param name="text">It.</param>
    /// <param name="otherwise">The tag where it names none.</param>
    public static ImageName Parse(string text, string otherwise)
    {
        var match = Grammar().Match(text);
        return new ImageName(match.Groups["name"].Value, match.Groups["tag"] is { Success: true } tag ? tag.Value : otherwise);
    }

    /// <summary>The name with a registry, as containerd wants it: what has none is taken for Docker Hub's, as Docker and Kubernetes take it.</summary>
    public string Full => Repository.Split('/') switch
    {
        [var host, _, ..] when host == "localhost" || host.Contains('.') || host.Contains(':') => ToString(),
        [_] => $"docker.io/library/{this}",
        _ => $"docker.io/{this}",
    };

    /// <inheritdoc/>
    public override string ToString() => $"{Repository}:{Tag}";

    [GeneratedRegex(@"\A(?<name>((?=localhost[:/]|[^/:]*[.:])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*)(:(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Grammar();
}

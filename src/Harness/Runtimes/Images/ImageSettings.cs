using System.Runtime.InteropServices;

namespace Loadline.Harness.Runtimes.Images;

/// <summary>What a container of an image starts with, unless it is told otherwise.</summary>
/// <param name="Entrypoint">The program.</param>
/// <param name="Environment">Its variables.</param>
/// <param name="Labels">What is said of the image.</param>
internal sealed record ImageSettings(string Entrypoint, IReadOnlyDictionary<string, string> Environment, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>This machine's, whose libraries the image holds, in OCI's (Go's) words.</summary>
    public static string Architecture => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        var other => other.ToString().ToLowerInvariant(),
    };
}

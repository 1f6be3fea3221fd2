using System.Net;
using System.Text.Json;
using Docker.DotNet;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>The Engine refused a request.</summary>
/// <param name="refusal">As Docker.DotNet shows it, whose message is the answer's whole body.</param>
internal sealed class EngineException(DockerApiException refusal) : RuntimeException($"docker: {ReasonOf(refusal)}", refusal)
{
    /// <summary>What it answered with.</summary>
    public HttpStatusCode Status => refusal.StatusCode;

    /// <summary>Its own words, in one line.</summary>
    public string Reason => ReasonOf(refusal);

    /// <summary>The message in an answer of the form <c>{"message": "…"}</c>.</summary>
    internal static string ReasonOf(DockerApiException refusal)
    {
        try
        {
            using var json = JsonDocument.Parse(refusal.ResponseBody ?? "");
            if (json.RootElement.GetProperty("message").GetString() is { } message) return DockerEngine.OneLine(message);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // A proxy between us and the Engine answers in its own words.
        }

        return DockerEngine.OneLine($"status {(int)refusal.StatusCode} {refusal.ResponseBody}");
    }
}

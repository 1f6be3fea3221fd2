using System.Net;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>The Engine refused a request.</summary>
/// <param name="status">What it answered with.</param>
/// <param name="reason">Its own words, in one line.</param>
internal sealed class EngineException(HttpStatusCode status, string reason) : RuntimeException($"docker: {reason}")
{
    public HttpStatusCode Status => status;

    public string Reason => reason;
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Where a container Engine listens: <c>unix:///PATH</c> or <c>tcp://HOST:PORT</c>.</summary>
internal sealed record EngineAddress(string Host)
{
    private const string UnixScheme = "unix://";

    /// <summary>The socket's path; null for tcp.</summary>
    public string? SocketPath => Host.StartsWith(UnixScheme, StringComparison.Ordinal) ? Host[UnixScheme.Length..] : null;

    /// <summary>The root of all requests. Over a socket the name of the host says nothing.</summary>
    public Uri BaseUri => SocketPath is null ? new Uri("http://" + Host["tcp://".Length..]) : new Uri("http://docker");

    /// <summary>
    /// The address this user's docker command would take: <c>DOCKER_HOST</c>, else the context of <c>DOCKER_CONTEXT</c> or of <c>currentContext</c>,
    /// else the first socket there is: the default one, a rootless Docker's, a rootless Podman's.
    /// </summary>
    /// <exception cref="RuntimeException">What is configured cannot be used.</exception>
    public static EngineAddress Find() => Find(Environment.GetEnvironmentVariable, "/var/run/docker.sock");

    /// <summary><see cref="Find()"/> in another environment.</summary>
    public static EngineAddress Find(Func<string, string?> variable, string defaultSocket)
    {
        if (variable("DOCKER_HOST") is { Length: > 0 } host) return Checked(host, "DOCKER_HOST", variable);

        var folder = variable("DOCKER_CONFIG") is { Length: > 0 } config ? config : Path.Combine(variable("HOME") ?? "/", ".docker");
        var context = variable("DOCKER_CONTEXT") is { Length: > 0 } named ? named : CurrentContext(folder);
        // "default" is no file: it stands for the sockets below.
        if (context is not (null or "" or "default")) return Checked(HostOf(context, folder), $"docker context '{context}'", variable);

        string[] sockets = variable("XDG_RUNTIME_DIR") is { Length: > 0 } run
            ? [defaultSocket, Path.Combine(run, "docker.sock"), Path.Combine(run, "podman", "podman.sock")]
            : [defaultSocket];
        return new EngineAddress(UnixScheme + (sockets.FirstOrDefault(File.Exists) ?? defaultSocket));
    }

    private static EngineAddress Checked(string host, string source, Func<string, string?> variable)
    {
        if (host.StartsWith(UnixScheme + "/", StringComparison.Ordinal)) return new EngineAddress(host);
        if (!Uri.TryCreate(host, UriKind.Absolute, out var uri) || uri.Scheme != "tcp")
            throw new RuntimeException($"docker: {source} is '{host}', which Loadline cannot reach: use unix:///PATH or tcp://HOST:PORT");
        if (variable("DOCKER_TLS_VERIFY") is { Length: > 0 })
            throw new RuntimeException($"docker: {source} is '{host}' with TLS, which Loadline does not speak: forward its socket, as in ssh -L");
        return new EngineAddress($"tcp://{uri.Host}:{(uri.Port > 0 ? uri.Port : 2375)}");
    }

    private static string? CurrentContext(string folder)
    {
        var file = Path.Combine(folder, "config.json");
        return File.Exists(file) ? Read(file, json => json.TryGetProperty("currentContext", out var name) ? name.GetString() : null) : null;
    }

    // Docker files a context under the digest of its name.
    private static string HostOf(string context, string folder)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(context)));
        var file = Path.Combine(folder, "contexts", "meta", digest, "meta.json");
        if (!File.Exists(file)) throw new RuntimeException($"docker: the context '{context}' is not in {folder}: docker context ls");
        return Read(file, json => json.GetProperty("Endpoints").GetProperty("docker").GetProperty("Host").GetString())
            ?? throw new RuntimeException($"docker: {file} names no host");
    }

    private static string? Read(string file, Func<JsonElement, string?> member)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return member(json.RootElement);
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new RuntimeException($"docker: {file} cannot be read: {e.Message}", e);
        }
    }
}

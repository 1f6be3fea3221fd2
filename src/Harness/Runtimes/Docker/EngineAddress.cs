using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Loadline.Checkpoints.Json;

namespace Loadline.Harness.Runtimes.Docker;

/// <summary>Where a container Engine listens: <c>unix:///PATH</c> or <c>tcp://HOST:PORT</c>.</summary>
/// <param name="Host">As <c>DOCKER_HOST</c> has it.</param>
/// <param name="Tls">How to speak TLS over tcp; null is plain HTTP.</param>
internal sealed record EngineAddress(string Host, EngineTls? Tls = null)
{
    private const string UnixScheme = "unix://";
    private const int MostConfigurationBytes = 16 << 20;

    /// <summary>No file: it stands for the first socket there is.</summary>
    private const string DefaultContext = "default";

    /// <summary>The socket's path; null for tcp.</summary>
    public string? SocketPath => Host.StartsWith(UnixScheme, StringComparison.Ordinal) ? Host[UnixScheme.Length..] : null;

    /// <summary>
    /// The address this user's docker command would take: <c>DOCKER_HOST</c>, else the context of <c>DOCKER_CONTEXT</c> or of <c>currentContext</c>,
    /// else the first socket there is: the default one, a rootless Docker's, a rootless Podman's.
    /// </summary>
    /// <exception cref="RuntimeException">What is configured cannot be used.</exception>
    public static EngineAddress Find() => Find(Environment.GetEnvironmentVariable, "/var/run/docker.sock");

    /// <summary><see cref="Find()"/> in another environment.</summary>
    public static EngineAddress Find(Func<string, string?> variable, string defaultSocket)
    {
        var folder = FolderOf(variable);
        if (variable("DOCKER_HOST") is { Length: > 0 } host) return Checked(host, "DOCKER_HOST", TlsOf(variable, folder));

        var context = variable("DOCKER_CONTEXT") is { Length: > 0 } named ? named : CurrentContext(folder);
        if (context is not (null or "" or DefaultContext)) return OfContext(context, folder);

        string[] sockets = variable("XDG_RUNTIME_DIR") is { Length: > 0 } run
            ? [defaultSocket, Path.Combine(run, "docker.sock"), Path.Combine(run, "podman", "podman.sock")]
            : [defaultSocket];
        return new EngineAddress(UnixScheme + (sockets.FirstOrDefault(File.Exists) ?? defaultSocket));
    }

    /// <summary>What says which Engine to take, as in <c>DOCKER_HOST</c>; null where it is the first socket there is.</summary>
    public static string? NamedBy() => NamedBy(Environment.GetEnvironmentVariable);

    /// <summary><see cref="NamedBy()"/> in another environment.</summary>
    public static string? NamedBy(Func<string, string?> variable)
    {
        if (variable("DOCKER_HOST") is { Length: > 0 }) return "DOCKER_HOST";
        if (variable("DOCKER_CONTEXT") is { Length: > 0 } named) return named == DefaultContext ? null : "DOCKER_CONTEXT";
        var folder = FolderOf(variable);
        return CurrentContext(folder) is null or "" or DefaultContext ? null : $"currentContext in {Path.Combine(folder, "config.json")}";
    }

    private static string FolderOf(Func<string, string?> variable) =>
        variable("DOCKER_CONFIG") is { Length: > 0 } config ? config : Path.Combine(variable("HOME") ?? "/", ".docker");

    private static EngineAddress Checked(string host, string source, EngineTls? tls)
    {
        var isAddress = Uri.TryCreate(host, UriKind.Absolute, out var uri);
        if (isAddress && host.StartsWith(UnixScheme + "/", StringComparison.Ordinal) && host.Length > UnixScheme.Length + 1) return new EngineAddress(host);
        if (!isAddress || uri!.Scheme != "tcp" || uri.Host.Length == 0)
            throw new RuntimeException($"docker: {source} is '{host}', which Loadline cannot reach: use unix:///PATH or tcp://HOST:PORT");
        return new EngineAddress($"tcp://{uri.Host}:{(uri.Port > 0 ? uri.Port : tls is null ? 2375 : 2376)}", tls);
    }

    /// <summary>By <c>DOCKER_TLS_VERIFY</c>, or <c>DOCKER_TLS</c> for a host that need not show who it is, and <c>DOCKER_CERT_PATH</c>.</summary>
    private static EngineTls? TlsOf(Func<string, string?> variable, string folder)
    {
        var verify = variable("DOCKER_TLS_VERIFY") is { Length: > 0 };
        if (!verify && variable("DOCKER_TLS") is null or "") return null;
        return new EngineTls(variable("DOCKER_CERT_PATH") is { Length: > 0 } named ? named : folder, verify);
    }

    private static string? CurrentContext(string folder)
    {
        var file = Path.Combine(folder, "config.json");
        return File.Exists(file) ? Read(file, json => json.TryGetProperty("currentContext", out var name) ? name.GetString() : null) : null;
    }

    // Docker files a context under the digest of its name.
    private static EngineAddress OfContext(string context, string folder)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(context)));
        var file = Path.Combine(folder, "contexts", "meta", digest, "meta.json");
        if (!File.Exists(file)) throw new RuntimeException($"docker: the context '{context}' is not in {folder}: docker context ls");
        var host = Read(file, json => Endpoint(json).GetProperty("Host").GetString()) ?? throw new RuntimeException($"docker: {file} names no host");
        var certificates = Path.Combine(folder, "contexts", "tls", digest, "docker");
        var skips = Read(file, json => Endpoint(json).TryGetProperty("SkipTLSVerify", out var skip) && skip.GetBoolean());
        return Checked(host, $"docker context '{context}'", skips || Directory.Exists(certificates) ? new EngineTls(certificates, Verify: !skips) : null);

        static JsonElement Endpoint(JsonElement json) => json.GetProperty("Endpoints").GetProperty("docker");
    }

    private static T Read<T>(string file, Func<JsonElement, T> member)
    {
        try
        {
            // Neither a pipe, which would never end, nor a device, which is never full.
            var end = File.ResolveLinkTarget(file, returnFinalTarget: true) ?? new FileInfo(file);
            if (end is not FileInfo { Length: > 0 and <= MostConfigurationBytes })
                throw new IOException($"it is no file of at most {ByteSize.Format(MostConfigurationBytes)}");
            using var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return member(json.RootElement);
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new RuntimeException($"docker: {file} cannot be read: {JsonProblem.Of(e)}", e);
        }
    }
}

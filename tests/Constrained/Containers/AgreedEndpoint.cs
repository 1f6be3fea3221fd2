using Docker.DotNet;
using Docker.DotNet.Handler.Abstractions;
using DotNet.Testcontainers.Configurations;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Constrained.Containers;

/// <summary>
/// The Engine where Loadline found it, at the API version that it speaks: Testcontainers' own discovery asks for 1.44, which Docker before 25
/// refuses, unless DOCKER_API_VERSION says otherwise.
/// </summary>
internal sealed class AgreedEndpoint(EngineAddress address, Version version) : IDockerEndpointAuthenticationConfiguration
{
    public Version Version => version;

    public Uri Endpoint { get; } = new(address.Host);

    public IAuthProvider? AuthProvider { get; } = address.Tls?.Credentials();

    public DockerClientBuilder GetDockerClientBuilder(Guid sessionId = default) => DockerEngine.BuilderOf(address, version);
}

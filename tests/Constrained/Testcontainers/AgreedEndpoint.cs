using Docker.DotNet;
using Docker.DotNet.Handler.Abstractions;
using DotNet.Testcontainers.Configurations;

namespace Loadline.Constrained.Testcontainers;

/// <summary>
/// The Engine where Loadline found it, at the API version that it speaks: Testcontainers' own discovery asks for 1.44, which Docker before 25 refuses.
/// </summary>
internal sealed class AgreedEndpoint(Uri endpoint, Version version) : IDockerEndpointAuthenticationConfiguration
{
    public Version Version => version;

    public Uri Endpoint => endpoint;

    public IAuthProvider? AuthProvider => null;

    public DockerClientBuilder GetDockerClientBuilder(Guid sessionId = default) =>
        new DockerClientBuilder().WithEndpoint(endpoint).WithApiVersion(version);
}

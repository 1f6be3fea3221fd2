using System.Security.Cryptography;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

public sealed class EngineAddressTests : IDisposable
{
    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public void DOCKER_HOST_comes_first()
    {
        Write(".docker/config.json", """{"currentContext":"work"}""");

        Find(("DOCKER_HOST", "unix:///a.sock"), ("DOCKER_CONTEXT", "work")).Should().Be("unix:///a.sock");
    }

    [Theory]
    [InlineData("tcp://10.0.0.1:2376", "", "tcp://10.0.0.1:2376")]
    [InlineData("tcp://localhost", "", "tcp://localhost:2375")]
    [InlineData("tcp://localhost", "1", "tcp://localhost:2376")]
    public void The_port_that_is_left_out_is_Dockers_usual_one(string host, string tls, string expected) =>
        Find(("DOCKER_HOST", host), ("DOCKER_TLS_VERIFY", tls)).Should().Be(expected);

    [Theory]
    [InlineData("ssh://me@there")]
    [InlineData("tcp://")]
    [InlineData("unix:///")]
    [InlineData("nonsense")]
    public void What_cannot_be_reached_is_refused(string host)
    {
        var find = () => Find(("DOCKER_HOST", host));

        find.Should().Throw<RuntimeException>()
            .WithMessage($"docker: DOCKER_HOST is '{host}', which Loadline cannot reach: use unix:///PATH or tcp://HOST:PORT");
    }

    [Fact]
    public void A_configuration_that_is_a_device_is_not_read()
    {
        Directory.CreateDirectory(Path.Combine(_home.Path, ".docker"));
        File.CreateSymbolicLink(Path.Combine(_home.Path, ".docker", "config.json"), "/dev/zero");
        var find = () => Find();

        find.Should().Throw<RuntimeException>().WithMessage("*config.json cannot be read: it is no file of at most 16 MiB");
    }

    [Theory]
    [InlineData("", "", false, false)]
    [InlineData("1", "", true, true)]
    [InlineData("", "1", true, false)]
    public void TLS_is_asked_for_by_Dockers_own_variables(string verify, string tls, bool isTls, bool verifies)
    {
        var found = FindAddress(("DOCKER_HOST", "tcp://there"), ("DOCKER_TLS_VERIFY", verify), ("DOCKER_TLS", tls)).Tls;

        found.Should().Be(isTls ? new EngineTls($"{_home.Path}/.docker", verifies) : null);
    }

    [Fact]
    public void The_certificates_lie_where_DOCKER_CERT_PATH_says() =>
        FindAddress(("DOCKER_HOST", "tcp://there"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/certs")).Tls.Should().Be(new EngineTls("/certs", Verify: true));

    [Fact]
    public void A_context_brings_its_own_certificates()
    {
        Context("safe", "tcp://there:2376");
        Write($".docker/contexts/tls/{Digest("safe")}/docker/ca.pem", "");

        FindAddress(("DOCKER_CONTEXT", "safe")).Tls.Should().Be(new EngineTls($"{_home.Path}/.docker/contexts/tls/{Digest("safe")}/docker", Verify: true));
    }

    [Fact]
    public void A_context_is_looked_up_in_its_file()
    {
        Context("work", "unix:///work.sock");
        Context("named", "unix:///named.sock");
        Write(".docker/config.json", """{"auths":{},"currentContext":"work"}""");

        Find().Should().Be("unix:///work.sock");
        Find(("DOCKER_CONTEXT", "named")).Should().Be("unix:///named.sock");
    }

    [Fact]
    public void A_context_that_is_not_there_is_an_error()
    {
        var find = () => Find(("DOCKER_CONTEXT", "lost"));

        find.Should().Throw<RuntimeException>().WithMessage("docker: the context 'lost' is not in *: docker context ls");
    }

    [Fact]
    public void A_context_without_a_docker_endpoint_is_an_error()
    {
        Write($".docker/contexts/meta/{Digest("odd")}/meta.json", """{"Endpoints":{}}""");
        var find = () => Find(("DOCKER_CONTEXT", "odd"));

        find.Should().Throw<RuntimeException>().WithMessage("docker: */meta.json cannot be read:*");
    }

    [Fact]
    public void The_first_socket_that_is_there_is_taken_and_the_default_one_blamed_if_none_is()
    {
        var rootless = Path.Combine(_home.Path, "run", "docker.sock");
        var podman = Path.Combine(_home.Path, "run", "podman", "podman.sock");
        var run = ("XDG_RUNTIME_DIR", Path.Combine(_home.Path, "run"));

        Find(run).Should().Be($"unix://{_home.Path}/default.sock");
        Write("run/podman/podman.sock", "");
        Find(run).Should().Be("unix://" + podman);
        Write("run/docker.sock", "");
        Find(run).Should().Be("unix://" + rootless);
        Write("default.sock", "");
        Find(run, ("DOCKER_CONTEXT", "default")).Should().Be($"unix://{_home.Path}/default.sock");
    }

    private string Find(params (string Name, string Value)[] variables) => FindAddress(variables).Host;

    private EngineAddress FindAddress(params (string Name, string Value)[] variables) => EngineAddress.Find(
        name => name == "HOME" ? _home.Path : variables.FirstOrDefault(variable => variable.Name == name).Value,
        Path.Combine(_home.Path, "default.sock"));

    private void Context(string name, string host) =>
        Write($".docker/contexts/meta/{Digest(name)}/meta.json", $$$"""{"Name":"{{{name}}}","Endpoints":{"docker":{"Host":"{{{host}}}"} } }""");

    private static string Digest(string name) => Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)));

    private void Write(string path, string text)
    {
        var file = Path.Combine(_home.Path, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}

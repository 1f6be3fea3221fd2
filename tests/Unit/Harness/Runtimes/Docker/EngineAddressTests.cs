using System.Security.Cryptography;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

public sealed class EngineAddressTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("loadline-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public void DOCKER_HOST_comes_first()
    {
        Write(".docker/config.json", """{"currentContext":"work"}""");

        Find(("DOCKER_HOST", "unix:///a.sock"), ("DOCKER_CONTEXT", "work")).Should().Be("unix:///a.sock");
    }

    [Theory]
    [InlineData("tcp://10.0.0.1:2376", "http://10.0.0.1:2376/")]
    [InlineData("tcp://localhost", "http://localhost:2375/")]
    public void Tcp_is_plain_http(string host, string expected) =>
        EngineAddress.Find(name => name == "DOCKER_HOST" ? host : null, "/default.sock").BaseUri.ToString().Should().Be(expected);

    [Theory]
    [InlineData("ssh://me@there", "", "docker: DOCKER_HOST is 'ssh://me@there', which Loadline cannot reach: use unix:///PATH or tcp://HOST:PORT")]
    [InlineData("tcp://there:2376", "1", "docker: DOCKER_HOST is 'tcp://there:2376' with TLS*")]
    public void What_cannot_be_reached_is_refused(string host, string tls, string expected)
    {
        var find = () => Find(("DOCKER_HOST", host), ("DOCKER_TLS_VERIFY", tls));

        find.Should().Throw<RuntimeException>().WithMessage(expected);
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
        var rootless = Path.Combine(_home, "run", "docker.sock");
        var podman = Path.Combine(_home, "run", "podman", "podman.sock");
        var run = ("XDG_RUNTIME_DIR", Path.Combine(_home, "run"));

        Find(run).Should().Be($"unix://{_home}/default.sock");
        Write("run/podman/podman.sock", "");
        Find(run).Should().Be("unix://" + podman);
        Write("run/docker.sock", "");
        Find(run).Should().Be("unix://" + rootless);
        Write("default.sock", "");
        Find(run, ("DOCKER_CONTEXT", "default")).Should().Be($"unix://{_home}/default.sock");
    }

    private string Find(params (string Name, string Value)[] variables) => EngineAddress.Find(
        name => name == "HOME" ? _home : variables.FirstOrDefault(variable => variable.Name == name).Value,
        Path.Combine(_home, "default.sock")).Host;

    private void Context(string name, string host) =>
        Write($".docker/contexts/meta/{Digest(name)}/meta.json", $$$"""{"Name":"{{{name}}}","Endpoints":{"docker":{"Host":"{{{host}}}"} } }""");

    private static string Digest(string name) => Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)));

    private void Write(string path, string text)
    {
        var file = Path.Combine(_home, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}

using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Loadline.Harness.Runtimes;
using Loadline.Harness.Runtimes.Docker;

namespace Loadline.Unit.Harness.Runtimes.Docker;

/// <summary>An Engine that asks for a certificate and shows one.</summary>
public sealed class EngineTlsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly X509Certificate2 _authority = Authority();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Both_sides_show_their_certificates()
    {
        await using var engine = Engine(SignedBy(_authority, "localhost"));

        using var client = await ConnectAsync(engine, verify: true);

        engine.Requests.Should().Equal("GET /version");
    }

    [Fact]
    public async Task Output_is_read_through_TLS_and_cancellation_arrives()
    {
        await using var engine = Engine(SignedBy(_authority, "localhost"), runsForever: true);
        await using var runtime = await DockerRuntime.ConnectAsync("/bin/sh", Address(engine, verify: true), Cancellation);
        using var cancellation = new CancellationTokenSource();
        var spec = new ContainerSpec { Command = ["/bin/load"], Image = "some:image", CapBytes = 64 << 20, Timeout = TimeSpan.FromMinutes(1) };

        var run = () => runtime.RunAsync(spec, _ => cancellation.Cancel(), cancellation.Token);

        await run.Should().ThrowAsync<OperationCanceledException>();
        engine.IndexOf("DELETE /v1.41/containers/c0ffee").Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task An_Engine_that_somebody_else_vouches_for_is_refused()
    {
        using var other = Authority();
        await using var engine = Engine(SignedBy(other, "localhost"));

        await ShouldBeRefusedAsync(engine);
    }

    [Fact]
    public async Task An_Engine_with_a_clients_certificate_is_refused()
    {
        await using var engine = Engine(SignedBy(_authority, "localhost", use: "1.3.6.1.5.5.7.3.2"));

        await ShouldBeRefusedAsync(engine);
    }

    [Fact]
    public async Task An_Engine_with_another_hosts_certificate_is_refused()
    {
        await using var engine = Engine(SignedBy(_authority, "elsewhere.example"));

        await ShouldBeRefusedAsync(engine);
    }

    [Fact]
    public async Task An_Engine_that_need_not_show_who_it_is_may_be_anybody()
    {
        using var other = Authority();
        await using var engine = Engine(SignedBy(other, "elsewhere.example"));

        using var client = await ConnectAsync(engine, verify: false);

        engine.Requests.Should().Equal("GET /version");
    }

    [Fact]
    public void A_key_that_is_missing_is_one_line()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "cert.pem"), SignedBy(_authority, "me").ExportCertificatePem());
        var read = () => new EngineTls(_folder.Path, Verify: true).Credentials();

        read.Should().Throw<RuntimeException>().WithMessage($"docker: the certificates in {_folder.Path} cannot be read: *key.pem*");
    }

    private async Task ShouldBeRefusedAsync(StandInEngine engine)
    {
        var connect = () => ConnectAsync(engine, verify: true);

        (await connect.Should().ThrowAsync<RuntimeException>()).WithMessage("docker: no TLS with tcp://localhost:*: see DOCKER_CERT_PATH");
        engine.Requests.Should().BeEmpty();
    }

    private StandInEngine Engine(X509Certificate2 certificate, bool runsForever = false) => new(Listening.Tcp, new SslServerAuthenticationOptions
    {
        ServerCertificate = certificate,
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=me",
    })
    {
        RunsForever = runsForever,
        Output = [[1, 0, 0, 0, 0, 0, 0, 5, .. "here\n"u8]],
    };

    private Task<DockerEngine> ConnectAsync(StandInEngine engine, bool verify) => DockerEngine.ConnectAsync(Address(engine, verify), Cancellation);

    private EngineAddress Address(StandInEngine engine, bool verify)
    {
        using var own = SignedBy(_authority, "me");
        File.WriteAllText(Path.Combine(_folder.Path, "ca.pem"), _authority.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder.Path, "cert.pem"), own.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder.Path, "key.pem"), own.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return EngineAddress.Find(
            name => name switch
            {
                "DOCKER_HOST" => engine.Host,
                "DOCKER_TLS_VERIFY" => verify ? "1" : "",
                "DOCKER_TLS" => "1",
                "DOCKER_CERT_PATH" => _folder.Path,
                _ => null,
            },
            "/default.sock");
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 SignedBy(X509Certificate2 authority, string name, string? use = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        if (use is not null) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], critical: true));
        using var signed = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }
}

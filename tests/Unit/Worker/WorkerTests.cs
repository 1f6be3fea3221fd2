using Loadline.Checkpoints;
using Loadline.Strategies;
using Loadline.Strategies.Runs;

namespace Loadline.Unit.Worker;

/// <summary>The process that runs under the cap: its lines and its exit codes are a contract.</summary>
public class WorkerTests
{
    public static TheoryData<string> Strategies => [.. StrategyCatalog.All.Select(s => s.Name)];

    [Fact]
    public void A_load_tells_its_start_its_phases_its_samples_and_its_result()
    {
        var (exitCode, events) = WorkerProcess.Run(Fixtures.Path("gpt2-tiny.pth"), "--strategy", "meta-sequential", "--device", "sim:1GiB", "--verify", "digest");

        exitCode.Should().Be(ExitCodes.Loaded);
        events[0].Should().BeOfType<StartEvent>().Which.BaselineAnonymousBytes.Should().BePositive();
        events.OfType<PhaseEvent>().Select(p => p.Phase).Should().Equal("open", "skeleton", "read", "copy", "verify");
        events.OfType<PhaseEvent>().Select(p => p.Seconds).Should().BeInAscendingOrder();
        var report = events.OfType<LoadReport>().Single();
        report.PeakAnonymousBytes.Should().Be(events.OfType<SampleEvent>().Max(s => s.AnonBytes + s.ShmemBytes));
        (report.Tensors, report.WeightBytes, report.HostBytes, report.DeviceBytes).Should().Be((56, 110_112, 9_312, 220_224));
        events[^1].Should().Be(new VerifiedEvent(56, 110_112, "the recorded digests"));
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void Weights_are_compared_with_the_digests_beside_the_file(string strategy)
    {
        using var folder = new TemporaryFolder();
        var path = folder.CopyOf(Fixtures.Path("gpt2-tiny.safetensors"));
        foreach (var device in (string[])["cpu", "sim:1GiB"])
        {
            WorkerProcess.Run(path, "--strategy", strategy, "--device", device, "--verify", "digest").Events[^1]
                .Should().Be(new VerifiedEvent(56, 110_112, "a naive reading of the file"));
        }

        Digests.Write(path, new Dictionary<string, TensorDigest> { ["out_head.weight"] = new("float32", [97, 24], new string('0', 64)) });
        foreach (var device in (string[])["cpu", "sim:1GiB"])
        {
            var (exitCode, events) = WorkerProcess.Run(path, "--strategy", strategy, "--device", device, "--verify", "digest");

            exitCode.Should().Be(ExitCodes.VerificationFailed);
            events[^1].Should().BeOfType<FailedEvent>().Which.Message.Should().StartWith($"tensor 'out_head.weight' of {path} has sha256 ").And.EndWith(new string('0', 64));
        }
    }

    [Fact]
    public void A_full_device_ends_with_exit_code_4()
    {
        var (exitCode, events) = WorkerProcess.Run(Fixtures.Path("gpt2-tiny.pth"), "--strategy", "eager", "--device", "sim:128KiB");

        exitCode.Should().Be(ExitCodes.DeviceOutOfMemory);
        events[^1].Should().BeOfType<FailedEvent>().Which.Kind.Should().Be("device-oom");
    }

    [Theory]
    [InlineData("libtorch_cpu.so", "*/libtorch_cpu.so cannot be loaded as libtorch: */libtorch_cpu.so: *")]
    [InlineData("gone", "LOADLINE_LIBTORCH names */gone, but there is no libtorch_cpu.so")]
    public void A_libtorch_that_cannot_be_used_ends_with_exit_code_2_and_one_line(string named, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("libtorch_cpu.so"), "no library");

        var (exitCode, events) = WorkerProcess.Run(
            new Dictionary<string, string> { ["LOADLINE_LIBTORCH"] = folder.File(named) }, Fixtures.Path("gpt2-tiny.pth"), "--engine", "libtorch");

        exitCode.Should().Be(ExitCodes.Refused);
        events.Should().ContainSingle().Which.Should().BeOfType<FailedEvent>().Which.Message.Should().Match(message).And.NotContain("\n");
    }

    [Fact]
    public void A_file_that_is_no_checkpoint_ends_with_exit_code_2()
    {
        var (exitCode, events) = WorkerProcess.Run(Fixtures.Path("make_fixtures.py"), "--strategy", "eager");

        exitCode.Should().Be(ExitCodes.Refused);
        events[^1].Should().BeOfType<FailedEvent>().Which.Message.Should().Be($"{Fixtures.Path("make_fixtures.py")}: is a text file, not a checkpoint");
    }

    [Fact]
    public void A_checkpoint_of_another_model_is_refused_by_the_first_tensor_that_differs()
    {
        var (exitCode, events) = WorkerProcess.Run(Fixtures.Path("gpt2-tiny.pth"), "--model", "gpt2-small");

        exitCode.Should().Be(ExitCodes.Refused);
        events[^1].Should().BeOfType<FailedEvent>()
            .Which.Message.Should().EndWith("gpt2-tiny.pth: tensor 'tok_emb.weight' has shape [97, 24]; model gpt2-small expects [50257, 768]");
    }

    [Theory]
    [InlineData("name a checkpoint: loadline-worker PATH --strategy S --device D")]
    [InlineData("--ring needs a value", "w.pth", "--ring")]
    [InlineData("'plenty' is not a size: write a number and KiB, MiB, GiB or TiB, as in 512MiB", "w.pth", "--ring", "plenty")]
    [InlineData("--speed 3 is not understood", "w.pth", "--speed", "3")]
    [InlineData("'meta' is not a device to load onto: use cpu, or sim:CAPACITY as in sim:4GiB", "w.pth", "--device", "meta")]
    public void Arguments_that_make_no_sense_end_with_exit_code_2_and_one_line(string message, params string[] arguments)
    {
        var (exitCode, events) = WorkerProcess.Run(arguments);

        exitCode.Should().Be(ExitCodes.Refused);
        events.Should().Equal(new FailedEvent("refused", message));
    }
}

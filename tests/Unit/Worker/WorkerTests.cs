using Loadline.Checkpoints;
using Loadline.Gauges;
using Loadline.Measuring;
using Loadline.Strategies;

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
        events[0].Should().BeOfType<StartEvent>().Which.BaselineAnonymousBytes.Should().BeInRange(1, 8 * ByteSize.MiB, "a cap is for the weights");
        events.OfType<PhaseEvent>().Select(p => p.Phase).Should().Equal("open", "skeleton", "read", "copy", "verify");
        events.OfType<PhaseEvent>().Select(p => p.Seconds).Should().BeInAscendingOrder();
        var report = events.OfType<LoadReport>().Single();
        report.PeakAnonymousBytes.Should().Be(events.OfType<SampleEvent>().Max(s => s.AnonBytes + s.ShmemBytes));
        (report.Tensors, report.WeightBytes, report.HostBytes, report.DeviceBytes).Should().Be((56, 110_112, 9_312, 220_224));
        events[^1].Should().Be(new VerifiedEvent(56, 110_112, "the recorded digests"));
    }

    [Theory]
    [InlineData("mmap-assign", "cpu", "read")]
    [InlineData("mmap-assign", "cpu", "forward")]
    [InlineData("streamed", "sim:1GiB", "read")]
    public void Weights_are_used_as_often_as_asked_for_and_each_use_is_told(string strategy, string device, string use)
    {
        // Its width is 24: heads of the usual 64 do not fit.
        string[] heads = use == "forward" ? ["--heads", "2"] : [];
        var (exitCode, events) = WorkerProcess.Run([Fixtures.Path("gpt2-tiny.pth"), "--strategy", strategy, "--device", device, "--passes", "3", "--use", use, .. heads]);

        exitCode.Should().Be(ExitCodes.Loaded);
        events.OfType<PhaseEvent>().Select(p => p.Phase).Should().EndWith("use");
        var report = events.OfType<LoadReport>().Single();
        events.OfType<PassEvent>().Select(e => e.Pass).Should().Equal(report.Passes).And.HaveCount(3).And.OnlyContain(p => p.ReadBytes >= 0 && p.Seconds >= 0);
        report.Passes![^1].Reread.Should().Be(0, "the file has a few pages, which stay");
        report.Forward.Should().BeNull("no verification was asked for");
    }

    [Fact]
    public void A_use_without_passes_and_a_forward_on_an_accelerator_are_refused()
    {
        WorkerProcess.Run(Fixtures.Path("gpt2-tiny.pth"), "--strategy", "streamed", "--device", "cpu", "--use", "read").Events[^1]
            .Should().Be(new FailedEvent("refused", "--use read is not understood") { Cause = FailedEvent.Arguments });
        WorkerProcess.Run(Fixtures.Path("gpt2-tiny.pth"), "--strategy", "streamed", "--device", "sim:1GiB", "--passes", "1", "--use", "forward").Events[^1]
            .Should().Be(new FailedEvent("refused", "a forward computes on the cpu, not on sim:1GiB: load with --device cpu"));
    }

    [Fact]
    public void A_checkpoint_that_is_not_there_is_told_apart_from_one_that_is_refused_for_what_it_holds()
    {
        using var folder = new TemporaryFolder();
        var (exitCode, events) = WorkerProcess.Run(folder["none.pth"], "--strategy", "eager", "--device", "cpu");

        exitCode.Should().Be(ExitCodes.Refused);
        events[^1].Should().BeOfType<FailedEvent>().Which.Cause.Should().Be(FailedEvent.NotFound);
        WorkerProcess.Run(folder.Write("text.pth", "no checkpoint"u8), "--strategy", "eager", "--device", "cpu").Events[^1].Should().BeOfType<FailedEvent>().Which.Cause.Should().BeNull();
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
    public void Weights_in_another_dtype_are_verified_and_reported()
    {
        var (exitCode, events) = WorkerProcess.Run(
            Fixtures.Path("gpt2-tiny.pth"), "--strategy", "sequential", "--device", "sim:1GiB", "--dtype", "auto,out_head.*=bfloat16", "--verify", "digest");

        exitCode.Should().Be(ExitCodes.Loaded);
        var report = events.OfType<LoadReport>().Single();
        (report.DType, report.WeightBytes, report.HostBytes).Should().Be(("float32,out_head.*=bfloat16", 105_456, 105_456 + 2 * ByteSize.MiB));
        events[^1].Should().Be(new VerifiedEvent(56, 105_456, "the recorded digests, converted one element at a time"));
    }

    [Fact]
    public void Several_processes_load_and_verify_and_one_reports()
    {
        using var cgroup = CgroupMemory.TryOpen();
        Assert.SkipWhen(cgroup is null, "no cgroup counts this process's memory");

        var (exitCode, events) = WorkerProcess.Run(
            Fixtures.Path("gpt2-tiny.pth"), "--strategy", "meta-assign", "--device", "cpu", "--processes", "3");

        exitCode.Should().Be(ExitCodes.Loaded);
        var report = events.OfType<LoadReport>().Single();
        (report.Processes, report.WeightBytes, report.HostBytes).Should().Be((3, 110_112, 3 * 110_112));
        report.PeakAnonymousBytes.Should().BeGreaterThan(3 * 4 * ByteSize.MiB, "each has memory of its own");
        events[^1].Should().Be(new VerifiedEvent(56, 110_112, "the recorded digests"));
    }

    [Fact]
    public void What_one_of_several_processes_finds_wrong_ends_all()
    {
        using var cgroup = CgroupMemory.TryOpen();
        Assert.SkipWhen(cgroup is null, "no cgroup counts this process's memory");

        var (exitCode, events) = WorkerProcess.Run(Fixtures.Path("make_fixtures.py"), "--strategy", "mmap-assign", "--verify", "digest", "--processes", "3");

        exitCode.Should().Be(ExitCodes.Refused);
        events.OfType<FailedEvent>().Should().ContainSingle();
    }

    [Fact]
    public void A_forward_is_part_of_what_is_measured()
    {
        var (exitCode, events) = WorkerProcess.Run(Fixtures.Path("gpt2-tiny.pth"), "--verify", "forward", "--heads", "4", "--resident", "64KiB");

        exitCode.Should().Be(ExitCodes.Loaded);
        events[^2].Should().BeOfType<LoadReport>().Which.Should().BeEquivalentTo(new { HostBytes = 59_840, MappedBytes = 110_112 });
        events[^1].Should().BeOfType<VerifiedEvent>().Which.Against.Should().StartWith("the recorded logits");
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
        File.WriteAllText(folder["libtorch_cpu.so"], "no library");

        var (exitCode, events) = WorkerProcess.Run(
            new Dictionary<string, string> { ["LOADLINE_LIBTORCH"] = folder[named] }, Fixtures.Path("gpt2-tiny.pth"), "--engine", "libtorch");

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
    [InlineData("--processes 0 is not understood", "w.pth", "--processes", "0")]
    [InlineData("unknown read mode 'fast': known are auto, cached, direct", "w.pth", "--reads", "fast")]
    [InlineData("--speed 3 is not understood", "w.pth", "--speed", "3")]
    [InlineData("'meta' is not a device to load onto: use cpu, cuda:N as in cuda:0, or sim:CAPACITY as in sim:4GiB", "w.pth", "--device", "meta")]
    public void Arguments_that_make_no_sense_end_with_exit_code_2_and_one_line(string message, params string[] arguments)
    {
        var (exitCode, events) = WorkerProcess.Run(arguments);

        exitCode.Should().Be(ExitCodes.Refused);
        events.Should().Equal(new FailedEvent("refused", message) { Cause = FailedEvent.Arguments });
    }
}

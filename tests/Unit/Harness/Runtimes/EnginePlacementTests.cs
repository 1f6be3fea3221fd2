using Loadline.Harness.Budgets;
using Loadline.Harness.Runs;
using Loadline.Harness.Runtimes;
using Loadline.Tensors.Engines;

namespace Loadline.Unit.Harness.Runtimes;

public sealed class EnginePlacementTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Worker => _folder["worker/loadline-worker"];

    private string Modules => _folder["worker-torchsharp"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_load_into_a_module_runs_the_worker_with_TorchSharp_in_its_base_with_libtorch_mounted_read_only()
    {
        Build("loadline-worker-torchsharp", "libtorch_cpu.so");

        var placed = EnginePlacement.InContainer(Spec(EngineNames.TorchSharp), Worker);

        placed.Image.Should().Be("loadline-torchsharp:trixie");
        placed.Command.Should().Equal(Path.Combine(Modules, "loadline-worker-torchsharp"), "/m.pth");
        placed.Mounts.Should().Equal("/m.pth", Modules);
        placed.WritableMounts.Should().BeEmpty();
        placed.Environment.Should().Contain("LD_LIBRARY_PATH", Modules).And.Contain("DOTNET_TieredCompilation", "0").And.Contain("MALLOC_MMAP_THRESHOLD_", "262144");
    }

    [Fact]
    public void An_image_that_a_case_names_is_kept()
    {
        Build("loadline-worker-torchsharp", "libtorch_cpu.so");

        EnginePlacement.InContainer(Spec(EngineNames.TorchSharp) with { Image = "mine" }, Worker).Image.Should().Be("mine");
    }

    [Fact]
    public void On_the_machine_itself_it_is_the_same_program_and_no_image()
    {
        Build("loadline-worker-torchsharp", "libtorch_cpu.so");

        var placed = EnginePlacement.OnMachine(Spec(EngineNames.TorchSharp), Worker);

        (placed.Image, placed.Command[0]).Should().Be((null, Path.Combine(Modules, "loadline-worker-torchsharp")));
        placed.IsWatched.Should().BeFalse("it reports its memory itself, as the native one does");
    }

    [Fact]
    public void A_worker_that_is_not_built_is_named_with_the_command_that_builds_it()
    {
        var place = () => EnginePlacement.InContainer(Spec(EngineNames.TorchSharp), Worker);

        place.Should().Throw<RuntimeException>().WithMessage($"there is no worker with TorchSharp at {Modules}/loadline-worker-torchsharp: run `dotnet publish src/Worker.TorchSharp*");
        EnginePlacement.WhyNot(EngineNames.TorchSharp, Worker).Should().StartWith("there is no worker with TorchSharp");
        EnginePlacement.WhyNot(EngineNames.Native, Worker).Should().BeNull();
    }

    [Fact]
    public void Other_programs_and_the_native_engine_stay_as_they_are()
    {
        var native = Spec(EngineNames.Native);
        var python = Spec(EngineNames.TorchSharp) with { Command = ["python3"] };

        EnginePlacement.InContainer(native, Worker).Should().BeSameAs(native);
        EnginePlacement.InContainer(python, Worker).Should().BeSameAs(python);
        EnginePlacement.OnMachine(native, Worker).Should().BeSameAs(native);
    }

    [Fact]
    public void The_engine_libtorch_takes_the_package_that_is_there_into_the_workers_own_image()
    {
        var placed = EnginePlacement.InContainer(Spec(EngineNames.Libtorch), typeof(EnginePlacementTests).Assembly.Location);

        if (Libtorch.PackageFolder is { } package)
        {
            (placed.Image, placed.IsWorker).Should().Be((null, true));
            placed.Mounts.Should().Equal("/m.pth", package);
            placed.Environment.Should().Equal(new Dictionary<string, string> { ["LOADLINE_LIBTORCH"] = package });
            EnginePlacement.ImageOf(EngineNames.Libtorch).Should().BeNull();
        }
        else
        {
            (placed.Image, EnginePlacement.ImageOf(EngineNames.Libtorch)).Should().Be(("loadline-libtorch:2.6", "loadline-libtorch:2.6"));
        }
    }

    [Fact]
    public void A_command_of_the_engines_program_is_watched_from_outside_and_a_load_is_not()
    {
        var own = new BudgetCase { Name = "n", Checkpoint = "c", CapBytes = 1 << 30, Why = "w", Engine = EngineNames.TorchSharp, Command = ["{worker}", "own", "load_py", "{checkpoint}"] };
        var load = own with { Command = [], Strategy = "eager", Device = "cpu" };

        var (run, loading) = (WorkerCommand.Of(own, "/m.pth"), WorkerCommand.Of(load, "/m.pth"));

        run.Command.Should().Equal(ContainerSpec.Worker, "own", "load_py", "/m.pth");
        (run.IsWorker, run.IsWatched, run.Engine).Should().Be((true, true, "torchsharp"));
        (loading.IsWorker, loading.IsWatched).Should().Be((true, false));
        Spec(EngineNames.Native).IsWatched.Should().BeFalse();
        (Spec(EngineNames.Native) with { Command = ["python3"] }).IsWatched.Should().BeTrue();
    }

    [Theory]
    [InlineData("3.4.32", true)]
    [InlineData("3.4.33", true)]
    [InlineData("3.4.30", false)]
    [InlineData(null, false)]
    public void TorchSharp_needs_a_libstdcxx_of_gcc_13(string? version, bool works)
    {
        var whyNot = HostLibraries.WhyNoTorchSharp(version is null ? null : Version.Parse(version));

        if (works) whyNot.Should().BeNull();
        else whyNot.Should().StartWith("TorchSharp needs a libstdc++ with GLIBCXX_3.4.32 (Debian 13, Ubuntu 24.04), and this machine has").And.EndWith("use --runtime docker");
    }

    [Fact]
    public void The_newest_symbol_version_of_a_library_is_found_by_number()
    {
        var library = _folder.Write("libstdc++.so.6", "\0GLIBCXX_3.4\0GLIBCXX_3.4.9\0GLIBCXX_3.4.30\0GLIBCXX_3.4.4\0"u8);

        HostLibraries.NewestOf(library).Should().Be(new Version(3, 4, 30));
        HostLibraries.NewestOf(_folder.Write("libm.so.6", "\0GLIBC_2.38\0"u8)).Should().BeNull();
    }

    private static ContainerSpec Spec(string engine) => new()
    {
        Command = [ContainerSpec.Worker, "/m.pth"],
        CapBytes = 1 << 30,
        Mounts = ["/m.pth"],
        Engine = engine,
        Timeout = TimeSpan.FromMinutes(1),
    };

    private void Build(params string[] files)
    {
        Directory.CreateDirectory(Modules);
        foreach (var file in files) _folder.Write($"worker-torchsharp/{file}", "x"u8);
    }
}

using Loadline.Tensors;
using Loadline.Tensors.Engines;
using Loadline.Tensors.Torch;

namespace Loadline.Unit.Tensors.Engines;

public sealed class TorchSearchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _variables = [];

    public TorchSearchTests()
    {
        Assert.SkipWhen(TestEngine.Name == EngineNames.Libtorch, "a libtorch that is loaded already is taken before any other");
        _variables["HOME"] = _folder.Path;
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_variable_names_a_file_or_its_folder()
    {
        var file = Make("here/libtorch_cpu.so");

        foreach (var named in new[] { file, Path.GetDirectoryName(file)! })
        {
            _variables["LOADLINE_LIBTORCH"] = named;
            Find().File.Should().Be(file);
        }
    }

    [Fact]
    public void A_variable_that_names_nothing_is_no_reason_to_take_another()
    {
        Make("program/libtorch_cpu.so");
        _variables["LOADLINE_LIBTORCH"] = _folder["gone"];

        FluentActions.Invoking(Find).Should().Throw<EngineUnavailableException>().WithMessage("LOADLINE_LIBTORCH names */gone, but there is no libtorch_cpu.so");
    }

    [Fact]
    public void A_checkpoint_that_is_mapped_is_no_libtorch_whatever_it_is_called() => TorchSearch.Loaded(
    [
        "7f00-7f10 r--p 00000000 fe:00 1 /models/libtorch_cpu.so.safetensors",
        "7f10-7f20 r--p 00000000 fe:00 2 /usr/lib/libtorch_cpu.so.2.6",
        "7f20-7f30 r-xp 00001000 fe:00 2 /usr/lib/libtorch_cpu.so.2.6",
        "7f30-7f40 rw-p 00000000 00:00 0",
    ]).Should().Be("/usr/lib/libtorch_cpu.so.2.6");

    [Fact]
    public void The_programs_own_comes_before_packages_and_environments()
    {
        var wheel = Make("venv/lib/python3.13/site-packages/torch/lib/libtorch_cpu.so");
        _variables["VIRTUAL_ENV"] = _folder["venv"];
        if (!File.Exists("/usr/lib/x86_64-linux-gnu/libtorch_cpu.so.2.6")) Find().File.Should().Be(wheel);

        var package = Make(".nuget/packages/libtorch-cpu-linux-x64/2.7.1.0/runtimes/linux-x64/native/libtorch_cpu.so");
        Make(".nuget/packages/libtorch-cpu-linux-x64/2.5.1.0/runtimes/linux-x64/native/libtorch_cpu.so");
        Find().Should().Be(new TorchPlace(package, "2.7.1"));

        Find().File.Should().NotBe(Make("program/runtimes/linux-x64/native/libtorch_cpu.so.2.10"), "the first look was before it was there");
    }

    [Fact]
    public void What_is_not_there_is_one_line_with_what_to_install()
    {
        Assert.SkipWhen(Libtorch.TryFind(out _), "this machine has one");

        FluentActions.Invoking(Find).Should().Throw<EngineUnavailableException>()
            .Which.Message.Should().Contain("Install libtorch2.6").And.Contain("LOADLINE_LIBTORCH").And.NotContain("\n");
    }

    [Fact]
    public void The_version_is_told_by_the_name_or_by_what_lies_beside()
    {
        TorchVersion.Of(Make("debian/libtorch_cpu.so.2.6.0")).Should().Be("2.6.0");
        File.CreateSymbolicLink(_folder["debian/libtorch_cpu.so"], _folder["debian/libtorch_cpu.so.2.6.0"]);
        TorchVersion.Of(_folder["debian/libtorch_cpu.so"]).Should().Be("2.6.0");

        var wheel = Make("torch/lib/libtorch_cpu.so");
        TorchVersion.Of(wheel).Should().BeNull();
        File.WriteAllText(_folder["torch/version.py"], "from typing import Optional\n__version__ = '2.9.1+cpu'\ndebug = False\n");
        TorchVersion.Of(wheel).Should().Be("2.9.1+cpu");

        var archive = Make("libtorch/lib/libtorch_cpu.so");
        File.WriteAllText(_folder["libtorch/build-version"], "2.8.0+cpu\n");
        TorchVersion.Of(archive).Should().Be("2.8.0+cpu");
    }

    private TorchPlace Find() => TorchSearch.Find(_variables.GetValueOrDefault, _folder["program"]);

    private string Make(string file)
    {
        var path = _folder[file];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "");
        return path;
    }
}

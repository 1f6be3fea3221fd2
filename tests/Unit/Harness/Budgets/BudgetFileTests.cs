using System.Runtime.Versioning;
using Loadline.Harness;
using Loadline.Harness.Budgets;

namespace Loadline.Unit.Harness.Budgets;

public sealed class BudgetFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_nearest_file_above_is_meant()
    {
        var deep = Directory.CreateDirectory(_folder["mine/src/deep"]).FullName;
        File.WriteAllText(_folder["budgets.json"], "");
        File.WriteAllText(_folder["mine/budgets.json"], "");
        Directory.CreateDirectory(_folder["mine/.git"]);

        BudgetFile.Default(deep).Should().Be(_folder["mine/budgets.json"]);
    }

    [Fact]
    public void What_lies_above_the_repository_is_somebody_elses()
    {
        var mine = Directory.CreateDirectory(_folder["mine"]).FullName;
        File.WriteAllText(_folder["budgets.json"], "");
        Directory.CreateDirectory(_folder["mine/.git"]);

        FluentActions.Invoking(() => BudgetFile.Default(mine)).Should().Throw<InputException>().WithMessage(
            $"there is no budgets.json in {mine}, nor above it in a repository that holds it: name one with --budgets, or write one with `loadline budgets init CHECKPOINT`");
    }

    [Fact]
    public void Outside_of_a_repository_nothing_above_counts()
    {
        var mine = Directory.CreateDirectory(_folder["mine"]).FullName;
        File.WriteAllText(_folder["budgets.json"], "");

        FluentActions.Invoking(() => BudgetFile.Default(mine)).Should().Throw<InputException>();
        BudgetFile.Default(_folder.Path).Should().Be(_folder["budgets.json"]);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void A_repository_in_a_folder_of_everybody_is_none()
    {
        var mine = Directory.CreateDirectory(_folder["shared/mine"]).FullName;
        Directory.CreateDirectory(_folder["shared/.git"]);
        File.WriteAllText(_folder["shared/budgets.json"], "");
        BudgetFile.Default(mine).Should().Be(_folder["shared/budgets.json"]);

        File.SetUnixFileMode(_folder["shared"], (UnixFileMode)0b111_111_111 | UnixFileMode.StickyBit);

        FluentActions.Invoking(() => BudgetFile.Default(mine)).Should().Throw<InputException>();
    }

    [Fact]
    public void Loadlines_own_file_is_meant_in_its_own_tree_alone()
    {
        BudgetFile.Default(Path.Combine(RepositoryRoot.Find()!, "src", "Harness")).Should().Be(Path.Combine(RepositoryRoot.Find()!, "budgets.json"));
        FluentActions.Invoking(() => BudgetFile.Default(_folder.Path)).Should().Throw<InputException>();
    }
}

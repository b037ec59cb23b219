package org.kithlm.deploy;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The directions of the modules: the lower three do not know each other, nor any actor. */
@AnalyzeClasses(packages = "org.kithlm", importOptions = ImportOption.DoNotIncludeTests.class)
class ModuleDirectionTest {
  private static final String MODEL = "org.kithlm.model..";
  private static final String TRANSPORT = "org.kithlm.transport..";
  private static final String MEMORY = "org.kithlm.memory..";
  private static final String NODE = "org.kithlm.node..";
  private static final String COORDINATOR = "org.kithlm.coordinator..";
  private static final String DEPLOY = "org.kithlm.deploy..";

  @ArchTest
  static final ArchRule modelKnowsNoOtherModule =
      noClasses()
          .that()
          .resideInAPackage(MODEL)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(TRANSPORT, MEMORY, NODE, COORDINATOR, DEPLOY);

  @ArchTest
  static final ArchRule transportKnowsNoOtherModule =
      noClasses()
          .that()
          .resideInAPackage(TRANSPORT)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(MODEL, MEMORY, NODE, COORDINATOR, DEPLOY);

  @ArchTest
  static final ArchRule memorySchedulerKnowsNoOtherModule =
      noClasses()
          .that()
          .resideInAPackage(MEMORY)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(MODEL, TRANSPORT, NODE, COORDINATOR, DEPLOY);

  @ArchTest
  static final ArchRule nodeDoesNotKnowItsUsers =
      noClasses()
          .that()
          .resideInAPackage(NODE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(COORDINATOR, DEPLOY);

  @ArchTest
  static final ArchRule coordinatorReachesRanksThroughNode =
      noClasses()
          .that()
          .resideInAPackage(COORDINATOR)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(TRANSPORT, MEMORY, DEPLOY);

  @ArchTest
  static final ArchRule actorsStayOutOfTheLowerModules =
      noClasses()
          .that()
          .resideInAnyPackage(MODEL, TRANSPORT, MEMORY)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("org.apache.pekko..");

  @ArchTest
  static final ArchRule chronicleStaysInOnePackage =
      noClasses()
          .that()
          .resideOutsideOfPackage("org.kithlm.node.kv..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("net.openhft..");

  @ArchTest
  static final ArchRule aeronStaysInTransport =
      noClasses()
          .that()
          .resideOutsideOfPackage(TRANSPORT)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.aeron..");
}
